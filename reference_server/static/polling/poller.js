// @ts-check
/** @import { Answer, Environment, ErrorKind, Listener, Message, News, Settings, Token } from './types.js' */

/** @typedef {{controller: AbortController, startedAt: number, since: string | null, wait: number}} Poll */

const TICK_MS = 1000;
/** A tick so late means that the machine slept. Hidden pages tick once a minute. */
const SLEPT_MS = 5000;
const SLEPT_HIDDEN_MS = 90_000;

/** The polling for one user. */
export class Poller {
  isRunning = false;
  /** Not while the page is frozen or put aside. */
  #isActive = false;
  /** Whether the last poll succeeded, and nothing has happened since. */
  #isConfirmed = false;
  /** @type {Poll | null} */
  #inFlight = null;
  /** @type {unknown} */
  #timer = null;
  /** @type {unknown} */
  #ticker = null;
  #tickedAt = [0, 0];
  /** @type {string | null | undefined} where a gap was reported */
  #gapAt;
  #shown = "";
  #env;
  #settings;
  #listener;
  #pace;
  #reader;
  #tabs;

  /**
   * @param {string} username
   * @param {Settings} settings
   * @param {Environment} env
   * @param {Listener} listener
   */
  constructor(username, settings, env, listener) {
    this.username = username;
    this.#settings = settings;
    this.#env = env;
    this.#listener = listener;
    this.#pace = new Pace(env.now, settings);
    this.#reader = new Reader(username, settings.baseUrl, env);
    this.#tabs = new Tabs(env, `polling-1:${settings.baseUrl}:${username}`, {
      onLead: () => this.#lead(),
      onHeard: (data) => this.#heard(data),
    });
  }

  start() {
    this.isRunning = true;
    this.#env.console.log(`🔄 Starting message polling for: ${this.username}`);
    this.#listen("addEventListener");
    this.#show({ type: "starting" });
    if (this.isRunning && !this.#isActive) this.#resume();
  }

  /** @param {'stopped' | 'unauthorised'} reason */
  end(reason) {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.#suspend();
    this.#listen("removeEventListener");
    this.#env.console.log(`⏹️ Stopped message polling for: ${this.username}`);
    this.#show({ type: "stopped", reason });
  }

  forget() {
    this.#reader.forget();
  }

  reschedule() {
    if (this.#timer !== null && !this.#pace.isFailing) this.#schedule(this.#pace.untilNext());
  }

  // What happens to the page

  /** @param {'addEventListener' | 'removeEventListener'} change */
  #listen(change) {
    const { document, window } = this.#env;
    document?.[change]("visibilitychange", this.#onVisibility);
    document?.[change]("freeze", this.#suspend);
    document?.[change]("resume", this.#wake);
    window?.[change]("pagehide", this.#suspend);
    window?.[change]("pageshow", this.#onPageShow);
    // `navigator.onLine` errs both ways, so it never is a reason not to poll.
    window?.[change]("online", this.#wake);
  }

  get #isHidden() {
    return !!this.#env.document?.hidden;
  }

  #onVisibility = () => {
    const ageMs = this.#inFlight ? this.#env.now() - this.#inFlight.startedAt : Infinity;
    const isFresh = !this.#inFlight?.wait && ageMs < this.#pace.intervalMs;
    if (!this.#isHidden && !isFresh) this.#wake();
  };

  #onPageShow = () => {
    if (!this.#isActive) this.#resume();
  };

  #resume() {
    this.#isActive = true;
    this.#isConfirmed = false;
    this.#tickedAt = [this.#env.now(), this.#env.wallClock()];
    this.#ticker = this.#env.setTimeout(this.#tick, TICK_MS);
    this.#tabs.join();
    if (!this.#inFlight) this.#schedule(this.#pace.untilAllowed());
  }

  /** A frozen page must not hold a lock: that keeps the other tabs out. */
  #suspend = () => {
    this.#isActive = false;
    this.#abandon();
    this.#cancelTimer();
    this.#env.clearTimeout(this.#ticker);
    this.#tabs.leave();
  };

  /** Poll now; a request may hang on a dead connection. */
  #wake = () => {
    if (!this.#isActive) return this.#resume();
    const untilAllowed = this.#pace.untilAllowed();
    if (untilAllowed > 0 && this.#inFlight) return undefined;
    this.#abandon();
    this.#isConfirmed = false;
    return this.#schedule(untilAllowed);
  };

  /** Notice by either clock that the machine slept. */
  #tick = () => {
    const now = [this.#env.now(), this.#env.wallClock()];
    const [elapsed, elapsedOnWall] = now.map((ms, clock) => ms - this.#tickedAt[clock]);
    this.#tickedAt = now;
    this.#ticker = this.#env.setTimeout(this.#tick, TICK_MS);
    if (elapsedOnWall - elapsed > SLEPT_MS) this.#pace.slept(elapsedOnWall - elapsed);
    const sleptMs = Math.max(elapsed, elapsedOnWall) - TICK_MS;
    if (sleptMs > (this.#isHidden ? SLEPT_HIDDEN_MS : SLEPT_MS)) this.#wake();
    this.#tabs.tick();
  };

  // Other tabs

  #lead() {
    this.#reader.save();
    if (!this.#inFlight && this.#timer === null) this.#schedule(this.#pace.untilAllowed());
  }

  /**
   * Take what the leading tab got, or poll once if we missed something.
   * @param {any} data {since, answer}, {error} or {}
   */
  #heard({ since, answer, error }) {
    if (this.#inFlight || this.#timer !== null) return;
    if (error) this.#show({ type: "error", ...error });
    else if (answer && this.#reader.isContinuedBy(since, answer)) this.#accept(answer, since);
    else if (answer) this.#schedule(this.#pace.untilAllowed());
  }

  // Polls

  async #poll() {
    this.#cancelTimer();
    const poll = {
      controller: new AbortController(),
      startedAt: this.#env.now(),
      since: this.#reader.cursor,
      wait: this.#waitSeconds(),
    };
    this.#inFlight = poll;
    this.#pace.started();
    const result = await this.#ask(poll).catch((error) => error);
    if (this.#inFlight !== poll) return; // stopped or replaced
    this.#inFlight = null;
    if (result instanceof PollingError) this.#failed(result);
    else this.#succeeded(result, poll);
  }

  #waitSeconds() {
    const { wait, hiddenWait } = this.#settings;
    if (!this.#tabs.isLeading) return 0;
    if (this.#isHidden) return hiddenWait; // its timers are slow
    return this.#isConfirmed ? wait : 0;
  }

  /** @param {Poll} poll */
  #ask({ since, wait, controller }) {
    const { baseUrl, limit, timeoutMs } = this.#settings;
    const query = new URLSearchParams({ limit: String(limit) });
    if (since !== null) query.set("since", since);
    if (wait > 0) query.set("wait", String(wait));
    const url = `${baseUrl}/api/users/messages/poll/${encodeURIComponent(this.username)}?${query}`;
    return fetchAnswer(this.#env, url, () => this.#token(), timeoutMs + wait * 1000, controller);
  }

  async #token() {
    const { token } = this.#settings;
    try {
      const known = (typeof token === "function" ? await token(this.username) : token) ?? "";
      if (isToken(known)) return known;
      throw TOKEN_RULE;
    } catch (error) {
      throw new PollingError("refused", `There is no token: ${error}`);
    }
  }

  /**
   * @param {Answer} answer
   * @param {Poll} poll
   */
  #succeeded(answer, poll) {
    this.#isConfirmed = true;
    this.#pace.succeeded(poll.wait > 0, answer.poll_after_ms);
    this.#tabs.tell({ since: poll.since, answer });
    const isNew = this.#accept(answer, poll.since);
    if (!this.#isActive || this.#inFlight) return;
    if (answer.has_more && answer.messages.length && this.#reader.cursor !== poll.since) return void this.#poll();
    const isNextHeld = poll.wait ? isNew : this.#isHidden && this.#settings.hiddenWait > 0;
    if (this.#tabs.isLeading) this.#schedule(isNextHeld ? 0 : this.#pace.untilNext());
  }

  /**
   * Hand on what is new; return whether anything is.
   * @param {Answer} answer
   * @param {string | null} since
   */
  #accept(answer, since) {
    this.#show({ type: "polling", degraded: !!answer.degraded, leading: this.#tabs.isLeading });
    if (answer.gap && this.isRunning && this.#gapAt !== since) this.#show({ type: "gap" });
    if (answer.gap) this.#gapAt = since; // until the cursor moves, the server repeats it
    const messages = this.isRunning ? this.#reader.newOf(answer) : [];
    if (messages.length) this.#env.console.log(`💬 Received ${messages.length} new messages`);
    for (const message of messages) {
      if (!this.isRunning) break;
      this.#reader.remember(message.id);
      this.#listener.onMessage(message, () => this.isRunning);
    }
    // Only now: if the page dies before this, the messages come again and are not lost.
    if (this.isRunning) this.#moveTo(answer.next_since ?? since);
    return messages.length > 0;
  }

  /** @param {string | null} cursor */
  #moveTo(cursor) {
    const isNew = cursor !== this.#reader.cursor;
    this.#reader.moveTo(cursor);
    if (isNew && this.#tabs.isLeading) this.#reader.save();
  }

  /** @param {PollingError} error */
  #failed(error) {
    const { kind, status, message } = error;
    const isFinal = kind === "unauthorised";
    const delay = this.#pace.failed(error, this.#env.random());
    const told = { kind, status, message, retryInMs: isFinal ? null : delay };
    this.#isConfirmed = false;
    if (status === 400) this.#reader.refused();
    this.#env.console.error(`❌ Polling error${status ? ` ${status}` : ""}: ${message}`);
    if (!isFinal) this.#tabs.tell({ error: told });
    this.#show({ type: "error", ...told });
    if (isFinal) this.end("unauthorised");
    else if (this.#isActive && !this.#inFlight) this.#schedule(delay);
  }

  /** @param {number} delayMs */
  #schedule(delayMs) {
    this.#cancelTimer();
    if (delayMs <= 0) return void this.#poll(); // in hidden pages 0 ms may be a minute
    this.#timer = this.#env.setTimeout(() => this.#poll(), delayMs);
  }

  #cancelTimer() {
    this.#env.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #abandon() {
    this.#inFlight?.controller.abort();
    this.#inFlight = null;
  }

  /** @param {News} news that all is well is said once */
  #show(news) {
    const shown = news.type === "polling" ? JSON.stringify(news) : "";
    if (!shown || shown !== this.#shown) this.#listener.onState({ username: this.username, ...news });
    this.#shown = shown;
  }
}

const BACK_OFF_BASE_MS = 2000;
const BACK_OFF_CAP_MS = 16_000;
const SHORTEST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 60_000;
/** However often a page is shown or started. */
const WAKE_GAP_MS = 250;
/** Of a new round trip, as in RFC 6298. */
const WEIGHT = 1 / 8;

/** When the next poll is due, in milliseconds of `now`. */
class Pace {
  #startedAt = -Infinity;
  #notBefore = 0;
  #failures = 0;
  /** @type {number | null} */
  #roundTripMs = null;
  /** @type {unknown} */
  #serverMs = null;
  #now;
  #settings;

  /**
   * @param {() => number} now
   * @param {{intervalMs: number}} settings
   */
  constructor(now, settings) {
    this.#now = now;
    this.#settings = settings;
  }

  get intervalMs() {
    const server = this.#serverMs;
    const ms = typeof server === "number" && server > 0 ? server : this.#settings.intervalMs;
    return Math.min(Math.max(ms, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS);
  }

  get isFailing() {
    return this.#failures > 0;
  }

  started() {
    this.#startedAt = this.#now();
  }

  /**
   * @param {boolean} wasHeld the time it took is not a round trip
   * @param {unknown} pollAfterMs
   */
  succeeded(wasHeld, pollAfterMs) {
    const tookMs = this.#now() - this.#startedAt;
    const smoothed = this.#roundTripMs ?? tookMs;
    if (!wasHeld) this.#roundTripMs = smoothed + (tookMs - smoothed) * WEIGHT;
    this.#failures = 0;
    this.#serverMs = pollAfterMs;
  }

  /**
   * Return after how long to try again. Full jitter: clients that failed together come back apart.
   * @param {PollingError} error
   * @param {number} random
   */
  failed({ kind, retryAfterMs }, random) {
    const jitter = random * Math.min(BACK_OFF_CAP_MS, BACK_OFF_BASE_MS * 2 ** this.#failures);
    this.#failures += 1;
    const delay = Math.max((retryAfterMs ?? 0) + jitter, this.untilNext());
    this.#notBefore = this.#now() + (kind === "too_many_requests" ? delay : (retryAfterMs ?? 0));
    return delay;
  }

  /** @param {number} ms while `now` stood still */
  slept(ms) {
    this.#notBefore -= ms;
  }

  /** From start to start, less the round trip: no message waits for both. */
  untilNext() {
    const shorter = Math.min(this.#roundTripMs ?? 0, this.intervalMs / 2); // a slow server must not be hammered
    return this.#startedAt + this.intervalMs - shorter - this.#now();
  }

  /** For a poll that is wanted at once. */
  untilAllowed() {
    return Math.max(this.#startedAt + WAKE_GAP_MS, this.#notBefore) - this.#now();
  }
}

/** A leader that is silent for so long hangs, though it holds the lock. */
const SILENCE_MS = 3000;
const SILENCE_HIDDEN_MS = 90_000;

/** The tab that holds a Web Lock polls for all; a BroadcastChannel has its answers. Without both, every tab polls. */
class Tabs {
  isLeading = false;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** Lets the lock go, or the request for it. */
  #leave = () => {};
  #heardAt = 0;
  #env;
  #name;
  #listener;

  /**
   * @param {Environment} env
   * @param {string} name
   * @param {{onLead: () => void, onHeard: (data: any) => void}} listener
   */
  constructor(env, name, listener) {
    this.#env = env;
    this.#name = name;
    this.#listener = listener;
  }

  join() {
    const { locks, channel } = this.#env;
    if (!locks || !channel) return this.#lead();
    this.#channel = channel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    return this.#follow();
  }

  leave() {
    this.isLeading = false;
    this.#leave();
    this.#channel?.close();
    this.#channel = null;
  }

  /** @param {object} data */
  tell(data) {
    if (this.isLeading) this.#channel?.postMessage(data);
  }

  /** Show every second that we live, or replace a leader that does not. */
  tick() {
    this.tell({});
    const silenceMs = this.#env.now() - this.#heardAt;
    if (this.isLeading || silenceMs <= (this.#env.document?.hidden ? SILENCE_HIDDEN_MS : SILENCE_MS)) return;
    this.#leave();
    this.#request({ steal: true });
  }

  /** @param {any} data */
  #hear(data) {
    this.#heardAt = this.#env.now();
    if (!this.isLeading) this.#listener.onHeard(data);
  }

  #follow() {
    const waiting = new AbortController();
    this.isLeading = false;
    this.#leave = () => waiting.abort();
    this.#request({ signal: waiting.signal });
  }

  /** @param {LockOptions} options */
  async #request(options) {
    const channel = this.#channel;
    const isOurs = () => this.#channel === channel && !options.signal?.aborted;
    this.#heardAt = this.#env.now();
    try {
      await this.#env.locks?.request(this.#name, options, () => (isOurs() ? this.#hold() : undefined));
    } catch (error) {
      if (!isOurs()) return;
      if (/** @type {Error} */ (error).name === "AbortError")
        this.#follow(); // another tab took it
      else this.#lead(); // locks are forbidden
    }
  }

  #hold() {
    const held = new Promise((resolve) => {
      this.#leave = () => resolve(undefined);
    });
    this.#lead();
    return held;
  }

  #lead() {
    this.isLeading = true;
    this.#listener.onLead();
  }
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const LONGEST_RETRY_AFTER_MS = 3_600_000;
export const TOKEN_RULE = "a string of printable ASCII characters";
/** A server may give 1,000 again. */
const REMEMBERED_IDS = 4096;

/** @type {Record<number, [ErrorKind, string]>} */
const STATUSES = {
  401: ["unauthorised", "Not signed in, or no longer"],
  429: ["too_many_requests", "Too many requests"],
  503: ["service_unavailable", "Message service temporarily unavailable"],
};

class PollingError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {string} message
   * @param {number | null} status
   * @param {number | null} retryAfterMs
   */
  constructor(kind, message, status = null, retryAfterMs = null) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Return the answer or throw a PollingError, in time even if `fetch` ignores its signal.
 * @param {Environment} env
 * @param {string} url
 * @param {() => Promise<Token>} token
 * @param {number} timeoutMs
 * @param {AbortController} controller
 */
async function fetchAnswer(env, url, token, timeoutMs, controller) {
  const { signal } = controller;
  const late = new PollingError("timeout", `No answer within ${timeoutMs / 1000} s`);
  const timer = env.setTimeout(() => controller.abort(late), timeoutMs);
  const aborted = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  try {
    return await Promise.race([exchange(env, url, token, signal), /** @type {never} */ (aborted)]);
  } catch (error) {
    if (error instanceof PollingError) throw error;
    throw new PollingError("network", `The server cannot be reached (${error})`);
  } finally {
    env.clearTimeout(timer);
  }
}

/**
 * @param {Environment} env
 * @param {string} url
 * @param {() => Promise<Token>} token
 * @param {AbortSignal} signal
 */
async function exchange(env, url, token, signal) {
  const known = await token();
  /** @type {Record<string, string>} */
  const headers = known ? { Authorization: `Bearer ${known}` } : {};
  const response = await env.fetch(url, { headers, signal, cache: "no-store" });
  if (response.status === 200) return asAnswer(await response.text());
  await response.text().catch(() => ""); // else it keeps the connection
  const [kind, text] = STATUSES[response.status] ?? otherStatus(response.status);
  throw new PollingError(kind, text, response.status, retryAfterMs(response.headers, env.wallClock()));
}

/**
 * @param {number} status
 * @returns {[ErrorKind, string]}
 */
function otherStatus(status) {
  if (status >= 500) return ["server_error", "Server error"];
  if (status >= 400) return ["refused", "The server refuses this poll"];
  return ["invalid_answer", "Not an answer to a poll"];
}

/**
 * @param {Headers} headers
 * @param {number} nowMs
 */
function retryAfterMs(headers, nowMs) {
  const value = headers.get("Retry-After")?.trim() || "";
  // Our clock may be wrong.
  const serverNowMs = Date.parse(headers.get("Date") ?? "") || nowMs;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - serverNowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isToken(value) {
  return typeof value === "string" && /^[ -~]*$/.test(value);
}

/**
 * @param {string} text
 * @returns {Answer}
 */
function asAnswer(text) {
  try {
    const body = JSON.parse(text);
    const { messages, next_since: next, success } = body;
    const isSound = isTimestamp(next) || (next == null && messages.length === 0);
    if (Array.isArray(messages) && isSound && success !== false) return body;
  } catch {
    // not JSON, or not an object
  }
  throw new PollingError("invalid_answer", `Invalid answer: ${text.slice(0, 80)}`, 200);
}

/**
 * Return the message, frozen because listeners share it; or null.
 * @param {any} value
 * @param {string} username
 * @returns {Readonly<Message> | null}
 */
function asMessage(value, username) {
  const texts = [value?.id, value?.from, value?.to, value?.message];
  const isMessage =
    texts.every((text) => typeof text === "string") && value.id && isTimestamp(value.timestamp);
  return isMessage && value.to.normalize("NFC") === username ? Object.freeze(value) : null;
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isTimestamp(value) {
  return typeof value === "string" && TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value));
}

/** How far one user has read, also in earlier pages. */
class Reader {
  /** @type {Set<string>} */
  #seen = new Set();
  #hasWarned = false;
  #env;
  #key;
  #username;
  /** @type {string | null} */
  #cursor;
  #isStored = true;

  /**
   * @param {string} username
   * @param {string} baseUrl
   * @param {Environment} env
   */
  constructor(username, baseUrl, env) {
    this.#env = env;
    this.#key = `polling:${baseUrl}:${username}`;
    this.#username = username;
    const stored = this.#use((storage) => storage.getItem(this.#key));
    this.#cursor = isTimestamp(stored) ? stored : null;
  }

  get cursor() {
    return this.#cursor;
  }

  /** @param {string | null} cursor */
  moveTo(cursor) {
    this.#isStored = false;
    this.#cursor = cursor;
  }

  /** A server that refuses a stored cursor would do so for ever. */
  refused() {
    if (this.#isStored) this.#cursor = null;
  }

  /** @param {Answer} answer */
  newOf({ messages }) {
    /** @type {Map<string, Readonly<Message>>} */
    const byId = new Map();
    for (const candidate of messages) {
      const message = asMessage(candidate, this.#username);
      if (!message) this.#env.console.warn("⚠️ Skipped what is not a message to this user:", candidate);
      else if (!this.#seen.has(message.id)) byId.set(message.id, message);
    }
    return [...byId.values()];
  }

  /** @param {string} id */
  remember(id) {
    this.#seen.add(id);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED_IDS) this.#seen.delete(oldest);
  }

  /**
   * Whether another tab's answer goes on where we are.
   * @param {string | null} since
   * @param {Answer} answer
   */
  isContinuedBy(since, { messages, next_since: next }) {
    const stamps = messages.map((message) => /** @type {any} */ (message)?.timestamp);
    return [since, next, ...stamps].includes(this.#cursor);
  }

  save() {
    const cursor = this.#cursor;
    if (cursor) this.#use((storage) => storage.setItem(this.#key, cursor));
  }

  forget() {
    this.#use((storage) => storage.removeItem(this.#key));
  }

  /**
   * @template T
   * @param {(storage: NonNullable<Environment['storage']>) => T} use
   */
  #use(use) {
    try {
      return this.#env.storage && use(this.#env.storage);
    } catch (error) {
      if (!this.#hasWarned) this.#env.console.warn(`⚠️ The cursor will not survive a reload: ${error}`);
      this.#hasWarned = true;
      return null;
    }
  }
}
