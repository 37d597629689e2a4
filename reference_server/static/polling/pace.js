// @ts-check
/** @import { PollingError } from './answers.js' */

const BACK_OFF_BASE_MS = 2000;
const BACK_OFF_CAP_MS = 16_000;
const SHORTEST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 60_000;
/** However often a page is shown, or starts and stops, it polls at most so often. */
const WAKE_GAP_MS = 250;
/** The weight of a new round trip, as TCP smooths them (RFC 6298). */
const WEIGHT = 1 / 8;

/** When the next poll of one user is due. All times are those of `now`, in milliseconds. */
export class Pace {
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

  /** The server's wish wins. */
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
   * @param {boolean} wasHeld then the time it took says nothing about a round trip
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
   * Return after how long to try again. Full jitter: clients that failed together must not come back together. Never
   * before the server allows it, and never sooner than without an error.
   * @param {PollingError} error
   * @param {number} random from 0 to 1
   */
  failed({ kind, retryAfterMs }, random) {
    const jitter = random * Math.min(BACK_OFF_CAP_MS, BACK_OFF_BASE_MS * 2 ** this.#failures);
    this.#failures += 1;
    const delay = Math.max((retryAfterMs ?? 0) + jitter, this.untilNext());
    this.#notBefore = this.#now() + (kind === "too_many_requests" ? delay : (retryAfterMs ?? 0));
    return delay;
  }

  /** @param {number} ms that passed while the clock stood still */
  slept(ms) {
    this.#notBefore -= ms;
  }

  /**
   * Return how long until the next poll: measured from the start of the last one and shortened by the round trip, so
   * that no message waits for an interval and a round trip.
   */
  untilNext() {
    return this.#startedAt + this.intervalMs - (this.#roundTripMs ?? 0) - this.#now();
  }

  /** Return how long until a poll that is wanted at once may start. */
  untilAllowed() {
    return Math.max(this.#startedAt + WAKE_GAP_MS, this.#notBefore) - this.#now();
  }
}
