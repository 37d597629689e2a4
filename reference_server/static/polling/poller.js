// @ts-check
import { PollingError, asMessage, fetchAnswer } from './answers.js';
import { Tabs } from './tabs.js';

/**
 * The polling of one user, from start to stop: one request in flight, and when the next one is due.
 *
 * @typedef {import('./answers.js').Answer} Answer
 * @typedef {import('./answers.js').ErrorKind} ErrorKind
 * @typedef {import('./answers.js').Message} Message
 * @typedef {import('./environment.js').Environment} Environment
 * @typedef {import('./reader.js').Reader} Reader
 *
 * @typedef {string | null} Token
 *
 * @typedef {object} Settings
 * @property {string} baseUrl
 * @property {Token | ((username: string) => Token | Promise<Token>)} token asked for before each poll
 * @property {number} intervalMs
 * @property {number} limit messages a page
 * @property {number} wait seconds for which the server may hold a poll of a visible page
 * @property {number} hiddenWait the same for a hidden page, whose timers browsers slow down
 * @property {number} timeoutMs for one poll, beside the time for which it may be held
 *
 * @typedef {{type: 'starting', username: string}
 *   | {type: 'polling', username: string, degraded: boolean, leading: boolean}
 *   | {type: 'gap', username: string}
 *   | {type: 'error', username: string, kind: ErrorKind, status: number | null, message: string,
 *      retryInMs: number | null}
 *   | {type: 'stopped', username: string, reason: 'stopped' | 'unauthorised'}} State
 *
 * @typedef {object} Listener
 * @property {(message: Readonly<Message>, isWanted: () => boolean) => void} onMessage
 * @property {(state: State) => void} onState
 *
 * @typedef {object} Poll
 * @property {AbortController} controller
 * @property {number} startedAt
 * @property {string | null} since
 * @property {number} wait
 */

const BACK_OFF_BASE_MS = 2000;
const BACK_OFF_CAP_MS = 16_000;
const SHORTEST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 60_000;
/** The weight of a new round trip, as TCP smooths them (RFC 6298). */
const ROUND_TRIP_WEIGHT = 1 / 8;
/** However often a tab is shown and hidden, it polls at most so often. */
const WAKE_GAP_MS = 250;
const TICK_MS = 1000;
/** A tick so late means that the machine slept. A hidden tab's tick may come once a minute. */
const SLEPT_MS = 5000;
const SLEPT_HIDDEN_MS = 90_000;

export class Poller {
  #env;
  #settings;
  #reader;
  #listener;
  #tabs;
  #isEnded = false;
  #isActive = false;
  /** @type {Poll | null} */
  #inFlight = null;
  /** @type {unknown} */
  #timer = null;
  #dueAt = Infinity;
  /** @type {unknown} */
  #ticker = null;
  #tickedAt = 0;
  #tickedAtWall = 0;
  #lastStart = -Infinity;
  #failures = 0;
  /** @type {number | null} */
  #roundTripMs = null;
  /** @type {number | null} `poll_after_ms` of the last answer */
  #serverIntervalMs = null;
  /** @type {string | null | undefined} the cursor for which a gap was reported */
  #gapAt;
  /** What the page knows of us: told again only when it changes. */
  #shown = '';
  /** @type {() => void} */
  #unlisten = () => {};

  /**
   * @param {string} username
   * @param {Settings} settings
   * @param {Environment} env
   * @param {Reader} reader
   * @param {Listener} listener
   */
  constructor(username, settings, env, reader, listener) {
    this.username = username;
    this.#settings = settings;
    this.#env = env;
    this.#reader = reader;
    this.#listener = listener;
    const name = `polling-1:${settings.baseUrl}:${username}`;
    this.#tabs = new Tabs(env, name, { onLead: () => this.#lead(), onHeard: (data) => this.#heard(data) });
  }

  get isEnded() {
    return this.#isEnded;
  }

  start() {
    this.#env.console.log(`🔄 Starting message polling for: ${this.username}`);
    this.#unlisten = this.#listen();
    this.#show({ type: 'starting', username: this.username });
    if (!this.#isEnded) this.#resume();
  }

  /** @param {'stopped' | 'unauthorised'} reason */
  end(reason) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#suspend();
    this.#unlisten();
    this.#env.console.log(`⏹️ Stopped message polling for: ${this.username}`);
    this.#listener.onState({ type: 'stopped', username: this.username, reason });
  }

  /** The interval has changed. */
  reschedule() {
    if (this.#timer !== null && !this.#failures) this.#schedule(this.#untilNext(this.#lastStart));
  }

  // --- when the page is shown, hidden, frozen, put aside and brought back

  #listen() {
    const { window, document } = this.#env;
    /** @type {[EventTarget | null, string, (event: Event) => void][]} */
    const handlers = [
      [document, 'visibilitychange', () => !document?.hidden && this.#wake(false)],
      [document, 'freeze', () => this.#suspend()],
      [document, 'resume', () => this.#wake(true)],
      [window, 'pagehide', () => this.#suspend()],
      [window, 'pageshow', () => this.#isActive || this.#wake(true)],
      // `navigator.onLine` errs both ways. That it changed is a reason to try now, and it is never one not to.
      [window, 'online', () => this.#wake(true)],
    ];
    for (const [target, type, handler] of handlers) target?.addEventListener(type, handler);
    return () => handlers.forEach(([target, type, handler]) => target?.removeEventListener(type, handler));
  }

  #resume() {
    this.#isActive = true;
    this.#tickedAt = this.#env.now();
    this.#tickedAtWall = this.#env.wallClock();
    this.#ticker = this.#env.setTimeout(() => this.#tick(), TICK_MS);
    this.#tabs.join();
    if (!this.#inFlight) this.#schedule(this.#untilAllowed());
  }

  /** Leave no request, timer or lock: a page that holds one cannot be put aside, and its lock would keep others out. */
  #suspend() {
    this.#isActive = false;
    this.#abandon();
    this.#cancelTimer();
    this.#env.clearTimeout(this.#ticker);
    this.#tabs.leave();
  }

  /**
   * Poll now, and not when a timer says so that was set before.
   * @param {boolean} isNewNetwork a request that is under way may wait for a connection that is gone
   */
  #wake(isNewNetwork) {
    if (this.#isEnded) return;
    if (!this.#isActive) return this.#resume();
    if (this.#inFlight) {
      const ageMs = this.#env.now() - this.#inFlight.startedAt;
      const isStale = isNewNetwork || this.#inFlight.wait > 0 || ageMs >= this.#intervalMs;
      if (!isStale || ageMs < WAKE_GAP_MS) return;
      this.#abandon();
    }
    this.#shown = this.#shown && 'woken'; // so that the next poll is a plain one and its result is told
    this.#schedule(Math.min(this.#untilAllowed(), this.#dueAt - this.#env.now()));
  }

  /** Notice that the machine slept, by either clock, and keep the tabs in touch. */
  #tick() {
    const { now, wallClock, document } = this.#env;
    const elapsed = now() - this.#tickedAt;
    const elapsedOnWall = wallClock() - this.#tickedAtWall;
    this.#tickedAt += elapsed;
    this.#tickedAtWall += elapsedOnWall;
    this.#ticker = this.#env.setTimeout(() => this.#tick(), TICK_MS);
    // The clock of timers may stand still in sleep, but what the server asked us to wait has passed.
    if (elapsedOnWall - elapsed > SLEPT_MS) this.#reader.notBefore -= elapsedOnWall - elapsed;
    const sleptMs = Math.max(elapsed, elapsedOnWall) - TICK_MS;
    if (sleptMs > (document?.hidden ? SLEPT_HIDDEN_MS : SLEPT_MS)) this.#wake(true);
    this.#tabs.tick();
  }

  // --- tabs

  #lead() {
    this.#reader.save();
    if (this.#isActive && !this.#inFlight && this.#timer === null) this.#schedule(this.#untilAllowed());
  }

  /**
   * Take over what the tab that polls has got; poll once ourselves if we missed something.
   * @param {any} data {since, answer} of a poll, {error}, or nothing but a sign of life
   */
  #heard({ since, answer, error }) {
    if (this.#inFlight || this.#timer !== null) return; // we ask for ourselves just now
    if (error) return this.#show({ type: 'error', username: this.username, ...error });
    if (!answer) return;
    if (this.#follows(since, answer)) this.#accept(answer, since);
    else this.#schedule(this.#untilAllowed());
  }

  /**
   * Whether this page goes on where we are. Cursors are compared for nothing but equality.
   * @param {string | null} since
   * @param {Answer} answer
   */
  #follows(since, answer) {
    const { cursor } = this.#reader;
    const stamps = answer.messages.map((message) => /** @type {any} */ (message)?.timestamp);
    return since === cursor || answer.next_since === cursor || stamps.includes(cursor);
  }

  // --- polls

  async #poll() {
    this.#cancelTimer();
    const { now, document } = this.#env;
    const { wait, hiddenWait } = this.#settings;
    // After a start, an error or a wake the first poll of a visible page is not held: it says how things are.
    const held = document?.hidden ? hiddenWait : this.#shown.startsWith('{"type":"polling"') ? wait : 0;
    const poll = { controller: new AbortController(), startedAt: now(), since: this.#reader.cursor, wait: held };
    this.#inFlight = poll;
    this.#lastStart = poll.startedAt;
    const result = await this.#ask(poll);
    if (this.#inFlight !== poll) return; // stopped, put aside or replaced meanwhile: whose answer it is, is uncertain
    this.#inFlight = null;
    if (result instanceof PollingError) this.#failed(result, poll);
    else this.#succeeded(result, poll);
  }

  /**
   * @param {Poll} poll
   * @returns {Promise<Answer | PollingError>}
   */
  async #ask({ since, wait, controller }) {
    const { baseUrl, token, limit, timeoutMs } = this.#settings;
    const query = new URLSearchParams({ limit: String(limit) });
    if (since !== null) query.set('since', since);
    if (wait > 0) query.set('wait', String(wait));
    const url = `${baseUrl}/api/users/messages/poll/${encodeURIComponent(this.username)}?${query}`;
    try {
      const known = typeof token === 'function' ? await token(this.username) : token;
      return await fetchAnswer(this.#env, url, known, timeoutMs + wait * 1000, controller);
    } catch (error) {
      // Else it is the page's own function that failed.
      return error instanceof PollingError ? error : new PollingError('refused', `There is no token: ${error}`);
    }
  }

  #abandon() {
    this.#inFlight?.controller.abort();
    this.#inFlight = null;
  }

  /**
   * @param {Answer} answer
   * @param {Poll} poll
   */
  #succeeded(answer, poll) {
    const tookMs = this.#env.now() - poll.startedAt;
    // How long a poll took that may have been held says nothing about a round trip.
    if (!poll.wait) this.#roundTripMs = smoothed(this.#roundTripMs, tookMs);
    this.#failures = 0;
    this.#serverIntervalMs = answer.poll_after_ms;
    this.#tabs.tell({ since: poll.since, answer });
    const isNew = this.#accept(answer, poll.since);
    if (this.#isEnded || this.#inFlight) return; // a listener stopped us or woke us
    const hasMoved = this.#reader.cursor !== poll.since;
    if (answer.has_more && hasMoved) return void this.#poll();
    if (!this.#tabs.isLeading) return;
    this.#schedule(poll.wait && isNew ? 0 : this.#untilNext(poll.startedAt));
  }

  /**
   * Hand on what is new in an answer, then move the cursor; return whether anything was new.
   * @param {Answer} answer
   * @param {string | null} since
   */
  #accept(answer, since) {
    const { degraded } = answer;
    this.#show({ type: 'polling', username: this.username, degraded, leading: this.#tabs.isLeading });
    // A server says it again until the cursor has moved.
    if (answer.gap && this.#gapAt !== since) this.#listener.onState({ type: 'gap', username: this.username });
    if (answer.gap) this.#gapAt = since;
    const messages = this.#newOf(answer.messages);
    if (messages.length) this.#env.console.log(`💬 Received ${messages.length} new messages`);
    for (const message of messages) {
      if (this.#isEnded) return true;
      this.#reader.remember(message.id);
      this.#listener.onMessage(message, () => !this.#isEnded);
    }
    // Only now: if the page dies between the two, the messages come again. The other way round they would be lost.
    if (!this.#isEnded) this.#moveTo(answer.next_since ?? since);
    return messages.length > 0;
  }

  /**
   * Return the messages that are sound and not known yet, each once.
   * @param {unknown[]} candidates
   */
  #newOf(candidates) {
    /** @type {Map<string, Readonly<Message>>} */
    const byId = new Map();
    for (const candidate of candidates) {
      const message = asMessage(candidate, this.username);
      if (!message) this.#env.console.warn('⚠️ Skipped a message that is not one:', candidate);
      else if (!this.#reader.knows(message.id) && !byId.has(message.id)) byId.set(message.id, message);
    }
    return [...byId.values()];
  }

  /** @param {string | null} cursor */
  #moveTo(cursor) {
    if (cursor === this.#reader.cursor) return;
    this.#reader.cursor = cursor;
    if (this.#tabs.isLeading) this.#reader.save();
  }

  /**
   * @param {PollingError} error
   * @param {Poll} poll
   */
  #failed(error, poll) {
    const { kind, status, message } = error;
    const isFinal = kind === 'unauthorised';
    const retryInMs = isFinal ? null : this.#backOff(error, poll);
    this.#env.console.error(`❌ Polling error${status ? ` ${status}` : ''}: ${message}`);
    if (retryInMs !== null) this.#tabs.tell({ error: { kind, status, message, retryInMs } });
    this.#show({ type: 'error', username: this.username, kind, status, message, retryInMs });
    if (isFinal) return this.end('unauthorised');
    if (!this.#isEnded && !this.#inFlight) this.#schedule(/** @type {number} */ (retryInMs));
  }

  /**
   * Return after how long to try again: full jitter, so that clients that failed together do not come back together;
   * never before the server allows it, and never sooner than without an error.
   * @param {PollingError} error
   * @param {Poll} poll
   */
  #backOff({ kind, retryAfterMs }, poll) {
    const { now, random } = this.#env;
    const jitter = random() * Math.min(BACK_OFF_CAP_MS, BACK_OFF_BASE_MS * 2 ** this.#failures);
    this.#failures += 1;
    const delay = Math.max((retryAfterMs ?? 0) + jitter, this.#untilNext(poll.startedAt));
    const mustWait = kind === 'too_many_requests' ? delay : retryAfterMs ?? 0;
    this.#reader.notBefore = now() + mustWait;
    return delay;
  }

  // --- time

  get #intervalMs() {
    return asInterval(this.#serverIntervalMs ?? this.#settings.intervalMs);
  }

  /**
   * Return how long until the next poll, measured from the start of the last one and shortened by the round trip:
   * a message then waits for one interval at most, and not for an interval and a round trip.
   * @param {number} startedAt
   */
  #untilNext(startedAt) {
    return startedAt + this.#intervalMs - (this.#roundTripMs ?? 0) - this.#env.now();
  }

  /** Return how long until a poll that is asked for now may start. */
  #untilAllowed() {
    return Math.max(this.#lastStart + WAKE_GAP_MS, this.#reader.notBefore) - this.#env.now();
  }

  /** @param {number} delayMs */
  #schedule(delayMs) {
    this.#cancelTimer();
    // Not by a timer of 0 ms: in a hidden tab that may be a minute.
    if (delayMs <= 0) return void this.#poll();
    this.#dueAt = this.#env.now() + delayMs;
    this.#timer = this.#env.setTimeout(() => this.#poll(), delayMs);
  }

  #cancelTimer() {
    this.#env.clearTimeout(this.#timer);
    this.#timer = null;
    this.#dueAt = Infinity;
  }

  /**
   * Tell the page a state that is new to it.
   * @param {State} state
   */
  #show(state) {
    const shown = JSON.stringify(state);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#listener.onState(state);
  }
}

/**
 * @param {number | null} previousMs
 * @param {number} sampleMs
 */
function smoothed(previousMs, sampleMs) {
  return previousMs === null ? sampleMs : previousMs + (sampleMs - previousMs) * ROUND_TRIP_WEIGHT;
}

/** @param {number} ms */
function asInterval(ms) {
  return Math.min(Math.max(ms, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS);
}
