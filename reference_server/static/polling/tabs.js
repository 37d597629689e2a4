// @ts-check
/**
 * Which of one user's tabs polls. The one that holds a Web Lock leads: it polls, and the others hear its answers
 * over a BroadcastChannel. Without both, every tab leads itself: twice the polls are better than none.
 *
 * @typedef {import('./environment.js').Environment} Environment
 *
 * @typedef {object} Listener
 * @property {() => void} onLead this tab leads from now on
 * @property {(data: any) => void} onHeard the leader said something
 */

/** A leader says every second that it lives. After this silence it has crashed or hangs: a lock alone cannot tell. */
const SILENCE_MS = 3000;
/** Browsers may run the timers of hidden tabs once a minute, the leader's and our own. */
const SILENCE_HIDDEN_MS = 90_000;

export class Tabs {
  isLeading = false;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** @type {AbortController | null} a request for the lock that waits in the queue */
  #queued = null;
  /** @type {(() => void) | null} lets the lock go */
  #release = null;
  #lastHeard = 0;
  #env;
  #name;
  #listener;

  /**
   * @param {Environment} env
   * @param {string} name of the lock and the channel
   * @param {Listener} listener
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
    this.#lastHeard = this.#env.now();
    this.#queue(locks);
  }

  /** Let the lock go: the next tab in the queue leads at once. */
  leave() {
    this.isLeading = false;
    this.#queued?.abort();
    this.#release?.();
    this.#channel?.close();
    this.#queued = this.#release = this.#channel = null;
  }

  /** @param {object} data for the tabs that follow */
  tell(data) {
    if (this.isLeading) this.#channel?.postMessage(data);
  }

  /** To be called every second: say that we live, or take over from a leader that does not. */
  tick() {
    this.tell({});
    const silence = this.#env.document?.hidden ? SILENCE_HIDDEN_MS : SILENCE_MS;
    if (!this.isLeading && this.#env.now() - this.#lastHeard > silence) this.#takeOver();
  }

  /** @param {any} data */
  #hear(data) {
    this.#lastHeard = this.#env.now();
    if (!this.isLeading) this.#listener.onHeard(data);
  }

  /** @param {LockManager} locks */
  #queue(locks) {
    const queued = (this.#queued = new AbortController());
    this.#hold(locks, { signal: queued.signal }, () => this.#queued === queued);
  }

  #takeOver() {
    this.#queued?.abort();
    this.#queued = null;
    const channel = this.#channel;
    const { locks } = this.#env;
    if (locks) this.#hold(locks, { steal: true }, () => this.#channel === channel);
    this.#lastHeard = this.#env.now();
  }

  /**
   * Ask for the lock, and lead while we have it.
   * @param {LockManager} locks
   * @param {LockOptions} options
   * @param {() => boolean} isWanted whether we are still the tab that asked
   */
  async #hold(locks, options, isWanted) {
    const channel = this.#channel;
    try {
      await locks.request(this.#name, options, () => {
        if (!isWanted()) return undefined;
        this.#lead();
        return new Promise((resolve) => (this.#release = () => resolve(undefined)));
      });
    } catch (error) {
      if (!channel || this.#channel !== channel || options.signal?.aborted) return; // we left, or asked otherwise
      if (/** @type {Error} */ (error)?.name === 'AbortError') this.#loseTo(locks);
      else this.#lead(); // a browser that forbids locks: everybody for themselves
    }
  }

  /**
   * Another tab heard nothing of us for long, and took the lock. Follow it.
   * @param {LockManager} locks
   */
  #loseTo(locks) {
    this.isLeading = false;
    this.#release = null;
    this.#lastHeard = this.#env.now();
    this.#queue(locks);
  }

  #lead() {
    this.#queued = null;
    this.isLeading = true;
    this.#listener.onLead();
  }
}
