// @ts-check
/** @import { Answer, Environment, Message } from './types.js' */
import { asMessage, isTimestamp } from "./answers.js";

/** More than the 1,000 messages that a server may give again. */
const REMEMBERED_IDS = 4096;

/** How far one user has read: across stop and start in memory, across a reload in the storage. */
export class Reader {
  /** @type {Set<string>} in the order in which they came */
  #seen = new Set();
  #hasWarned = false;
  #env;
  #key;
  #username;
  /** @type {string | null} */
  cursor;

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
    this.cursor = isTimestamp(stored) ? stored : null;
  }

  /**
   * Return the messages of an answer that are sound and new, each once.
   * @param {Answer} answer
   */
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

  /** @param {string} id of a message that is handed on */
  remember(id) {
    this.#seen.add(id);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED_IDS) this.#seen.delete(oldest);
  }

  /**
   * Whether an answer that another tab got goes on where we are. Cursors are compared for equality alone.
   * @param {string | null} since
   * @param {Answer} answer
   */
  isContinuedBy(since, { messages, next_since: next }) {
    const stamps = messages.map((message) => /** @type {any} */ (message)?.timestamp);
    return [since, next, ...stamps].includes(this.cursor);
  }

  save() {
    const { cursor } = this;
    if (cursor) this.#use((storage) => storage.setItem(this.#key, cursor));
  }

  forget() {
    this.#use((storage) => storage.removeItem(this.#key));
  }

  /**
   * Use the storage; where it is full or forbidden, say so and go on in memory.
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
