// @ts-check
import { isTimestamp } from './answers.js';

/**
 * How far one user has read. It outlives stop(), so that A → B → A goes on where A was; its cursor outlives the page.
 *
 * @typedef {import('./environment.js').Environment} Environment
 */

/** More than the 1,000 messages that a server gives again to a client whose cursor went back. */
const REMEMBERED_IDS = 4096;

export class Reader {
  /** @type {Set<string>} in the order in which they came */
  #seen = new Set();
  #key;
  #env;
  #hasWarned = false;
  /** @type {string | null} */
  cursor;
  /** No poll before this moment of `env.now`: the server asked for it, and stop and start are not a way around. */
  notBefore = 0;

  /**
   * @param {string} username
   * @param {string} baseUrl two servers have two mailboxes of one name
   * @param {Environment} env
   */
  constructor(username, baseUrl, env) {
    this.#key = `polling.cursor:${baseUrl}:${username}`;
    this.#env = env;
    const stored = this.#storage((storage) => storage.getItem(this.#key));
    this.cursor = isTimestamp(stored) ? stored : null;
  }

  /** @param {string} id */
  knows(id) {
    return this.#seen.has(id);
  }

  /** @param {string} id */
  remember(id) {
    this.#seen.add(id);
    if (this.#seen.size > REMEMBERED_IDS) this.#seen.delete(/** @type {string} */ (this.#seen.values().next().value));
  }

  /** Write the cursor down, so that it survives a reload. */
  save() {
    const { cursor } = this;
    if (cursor !== null) this.#storage((storage) => storage.setItem(this.#key, cursor));
  }

  /** Remove what was written down. */
  forget() {
    this.#storage((storage) => storage.removeItem(this.#key));
  }

  /**
   * Use the storage. Where that is full or forbidden, say so and go on in memory.
   * @template T
   * @param {(storage: NonNullable<Environment['storage']>) => T} use
   */
  #storage(use) {
    try {
      return this.#env.storage && use(this.#env.storage);
    } catch (error) {
      if (!this.#hasWarned) this.#env.console.warn(`⚠️ The cursor will not survive a reload: ${error}`);
      this.#hasWarned = true;
      return null;
    }
  }
}
