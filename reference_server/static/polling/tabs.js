// @ts-check
/** @import { Environment } from './types.js' */

/** A leader shows every second that it lives. After this silence it has crashed: its lock alone does not say so. */
const SILENCE_MS = 3000;
/** A hidden page's timers, the leader's or ours, may run once a minute. */
const SILENCE_HIDDEN_MS = 90_000;

/**
 * Which of a user's tabs polls: the one that holds a Web Lock leads, and the others hear its answers over a
 * BroadcastChannel. Without both, every tab leads: two polls are better than none.
 */
export class Tabs {
  isLeading = false;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** Withdraws our request for the lock, or lets the lock go. */
  #leave = () => {};
  #heardAt = 0;
  #env;
  #name;
  #listener;

  /**
   * @param {Environment} env
   * @param {string} name of the lock and of the channel
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

  /** The next tab leads at once. */
  leave() {
    this.isLeading = false;
    this.#leave();
    this.#channel?.close();
    this.#channel = null;
  }

  /** @param {object} data for the tabs that follow */
  tell(data) {
    if (this.isLeading) this.#channel?.postMessage(data);
  }

  /** Show that we live, or take over from a leader that does not. To be called every second. */
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

  /**
   * Ask for the lock, and lead while we have it.
   * @param {LockOptions} options
   */
  async #request(options) {
    const channel = this.#channel;
    const isOurs = () => this.#channel === channel && !options.signal?.aborted;
    this.#heardAt = this.#env.now();
    try {
      await this.#env.locks?.request(this.#name, options, () => (isOurs() ? this.#hold() : undefined));
    } catch (error) {
      if (!isOurs()) return; // we left meanwhile, or asked anew
      if (/** @type {Error} */ (error).name === "AbortError")
        this.#follow(); // another tab took it: we were silent
      else this.#lead(); // locks are forbidden here
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
