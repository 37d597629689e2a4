// @ts-check
/** @import { Answer, Environment, Listener, Settings, State } from './types.js' */
import { PollingError, fetchAnswer } from "./answers.js";
import { Pace } from "./pace.js";
import { Reader } from "./reader.js";
import { Tabs } from "./tabs.js";

/** @typedef {{controller: AbortController, startedAt: number, since: string | null, wait: number}} Poll */

const TICK_MS = 1000;
/** A tick so late means that the machine slept. A hidden page's tick may come once a minute. */
const SLEPT_MS = 5000;
const SLEPT_HIDDEN_MS = 90_000;

/** The polling for one user, who may stop and come back. */
export class Poller {
  isRunning = false;
  /** False also while the page is frozen or put aside. */
  #isActive = false;
  /** Whether the last poll succeeded, with nothing since then that makes the next one uncertain. */
  #isConfirmed = false;
  /** @type {Poll | null} */
  #inFlight = null;
  /** @type {unknown} */
  #timer = null;
  /** @type {unknown} */
  #ticker = null;
  #tickedAt = [0, 0];
  /** @type {string | null | undefined} the cursor at which a gap was reported */
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
    const { username } = this;
    this.isRunning = true;
    this.#env.console.log(`🔄 Starting message polling for: ${username}`);
    this.#listen("addEventListener");
    this.#listener.onState({ type: "starting", username });
    if (this.isRunning) this.#resume();
  }

  /** @param {'stopped' | 'unauthorised'} reason */
  end(reason) {
    if (!this.isRunning) return;
    const { username } = this;
    this.isRunning = false;
    this.#suspend();
    this.#listen("removeEventListener");
    this.#shown = "";
    this.#env.console.log(`⏹️ Stopped message polling for: ${username}`);
    this.#listener.onState({ type: "stopped", username, reason });
  }

  forget() {
    this.#reader.forget();
  }

  /** The interval has changed. */
  reschedule() {
    if (this.#timer !== null && !this.#pace.isFailing) this.#schedule(this.#pace.untilNext());
  }

  // The page is shown, hidden, frozen, put aside, brought back.

  /** @param {'addEventListener' | 'removeEventListener'} change */
  #listen(change) {
    const { document, window } = this.#env;
    document?.[change]("visibilitychange", this.#onVisibility);
    document?.[change]("freeze", this.#suspend);
    document?.[change]("resume", this.#wake);
    window?.[change]("pagehide", this.#suspend);
    window?.[change]("pageshow", this.#onPageShow);
    // `navigator.onLine` errs both ways: that it changed is a reason to try now, and never one not to.
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

  /** Leave no request, timer or lock: a lock that a frozen page holds would keep the other tabs out. */
  #suspend = () => {
    this.#isActive = false;
    this.#abandon();
    this.#cancelTimer();
    this.#env.clearTimeout(this.#ticker);
    this.#tabs.leave();
  };

  /** Poll now, whatever a timer says that was set before, and whatever a request waits for on an old connection. */
  #wake = () => {
    if (!this.#isActive) return this.#resume();
    const untilAllowed = this.#pace.untilAllowed();
    if (untilAllowed > 0 && this.#inFlight) return undefined;
    this.#abandon();
    this.#isConfirmed = false;
    return this.#schedule(untilAllowed);
  };

  /** Notice by either clock that the machine slept, and keep the tabs in touch. */
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
   * Take what the leading tab got; where we missed something, poll once ourselves.
   * @param {any} data {since, answer}, {error}, or a mere sign of life
   */
  #heard({ since, answer, error }) {
    if (this.#inFlight || this.#timer !== null) return; // we are asking ourselves
    if (error) this.#show({ type: "error", username: this.username, ...error });
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
    const result = await this.#ask(poll);
    if (this.#inFlight !== poll) return; // stopped, put aside or replaced meanwhile
    this.#inFlight = null;
    if (result instanceof PollingError) this.#failed(result);
    else this.#succeeded(result, poll);
  }

  /** Return for how long the server may hold the next poll. */
  #waitSeconds() {
    const { wait, hiddenWait } = this.#settings;
    if (!this.#tabs.isLeading) return 0; // the leading tab waits for all
    if (this.#isHidden) return hiddenWait; // its timers are slow, but an answer comes when it comes
    return this.#isConfirmed ? wait : 0; // a first poll says at once how things are
  }

  /**
   * @param {Poll} poll
   * @returns {Promise<Answer | PollingError>}
   */
  #ask({ since, wait, controller }) {
    const { baseUrl, limit, timeoutMs } = this.#settings;
    const query = new URLSearchParams({ limit: String(limit) });
    if (since !== null) query.set("since", since);
    if (wait > 0) query.set("wait", String(wait));
    const url = `${baseUrl}/api/users/messages/poll/${encodeURIComponent(this.username)}?${query}`;
    const timeout = timeoutMs + wait * 1000;
    return fetchAnswer(this.#env, url, () => this.#token(), timeout, controller).catch((error) => error);
  }

  async #token() {
    const { token } = this.#settings;
    try {
      return typeof token === "function" ? await token(this.username) : token;
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
    if (!this.#isActive || this.#inFlight) return; // by what a listener did
    if (answer.has_more && this.#reader.cursor !== poll.since) return void this.#poll();
    const isNextHeld = poll.wait ? isNew : this.#isHidden;
    if (this.#tabs.isLeading) this.#schedule(isNextHeld ? 0 : this.#pace.untilNext());
  }

  /**
   * Hand on what is new in an answer, then move the cursor; return whether anything was new.
   * @param {Answer} answer
   * @param {string | null} since
   */
  #accept(answer, since) {
    const { username } = this;
    this.#show({ type: "polling", username, degraded: !!answer.degraded, leading: this.#tabs.isLeading });
    if (answer.gap && this.#gapAt !== since) this.#listener.onState({ type: "gap", username });
    if (answer.gap) this.#gapAt = since; // a server repeats it until the cursor has moved
    const messages = this.#reader.newOf(answer);
    if (messages.length) this.#env.console.log(`💬 Received ${messages.length} new messages`);
    for (const message of messages) {
      if (!this.isRunning) break;
      this.#reader.remember(message.id);
      this.#listener.onMessage(message, () => this.isRunning);
    }
    // Only now: if the page dies before, the messages come again. The other way round they would be lost.
    if (this.isRunning) this.#moveTo(answer.next_since ?? since);
    return messages.length > 0;
  }

  /** @param {string | null} cursor */
  #moveTo(cursor) {
    if (cursor === this.#reader.cursor) return;
    this.#reader.cursor = cursor;
    if (this.#tabs.isLeading) this.#reader.save();
  }

  /** @param {PollingError} error */
  #failed(error) {
    const { kind, status, message } = error;
    const isFinal = kind === "unauthorised";
    const delay = this.#pace.failed(error, this.#env.random());
    const told = { kind, status, message, retryInMs: isFinal ? null : delay };
    this.#isConfirmed = false;
    this.#env.console.error(`❌ Polling error${status ? ` ${status}` : ""}: ${message}`);
    if (!isFinal) this.#tabs.tell({ error: told });
    this.#show({ type: "error", username: this.username, ...told });
    if (isFinal) this.end("unauthorised");
    else if (this.#isActive && !this.#inFlight) this.#schedule(delay);
  }

  /** @param {number} delayMs */
  #schedule(delayMs) {
    this.#cancelTimer();
    if (delayMs <= 0) return void this.#poll(); // in a hidden page a timer of 0 ms may take a minute
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

  /**
   * Tell the page its state; that all is well only once.
   * @param {State} state
   */
  #show(state) {
    const shown = state.type === "polling" ? JSON.stringify(state) : "";
    if (!shown || shown !== this.#shown) this.#listener.onState(state);
    this.#shown = shown;
  }
}
