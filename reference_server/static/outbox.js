// @ts-check
/**
 * What the user sent and the server has not confirmed. Every message has a client_message_id from the start and
 * keeps it through every retry and reload, so that no retry can make a second message.
 */

import { ApiError, newId } from "./api.js";

/**
 * @typedef {object} Entry
 * @property {string} id  the client_message_id
 * @property {string} to
 * @property {string} content
 * @property {string} timestamp  by this browser's clock, until the server says its own
 * @property {"sending" | "sent" | "late" | "failed" | "unconfirmed"} state
 * @property {string} [reason]  why it was not sent, in words
 * @property {boolean} [canRetry]
 * @property {boolean} [perhapsStored]  an earlier attempt was not answered, or answered "unknown"
 * @property {string} [messageId]
 */

const ATTEMPTS = 3;
const BACK_OFF_MS = 800;
const KEY = "outbox";

export class Outbox {
  /**
   * @param {object} parts
   * @param {ReturnType<import("./api.js").createApi>} parts.api
   * @param {typeof import("./tabStorage.js").tabStorage} parts.storage
   * @param {(entry: Entry) => void} parts.onChange
   * @param {() => void} parts.onSessionEnd
   */
  constructor({ api, storage, onChange, onSessionEnd }) {
    this.api = api;
    this.storage = storage;
    this.onChange = onChange;
    this.onSessionEnd = onSessionEnd;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** Messages to one user go out one after the other: that keeps their order. @type {Map<string, Promise<void>>} */
    this.lanes = new Map();
    for (const entry of storage.getJson(KEY, [])) this.entries.set(entry.id, this.#interrupted(entry));
  }

  /** What was on its way when the page was left may have arrived. @param {Entry} entry @returns {Entry} */
  #interrupted(entry) {
    if (entry.state !== "sending") return entry;
    return { ...entry, state: "unconfirmed", canRetry: true, perhapsStored: true, reason: "The page was closed before the answer came. Trying again cannot send it twice." };
  }

  /** @param {string} to */
  unsentTo(to) {
    return [...this.entries.values()].filter((entry) => entry.to === to);
  }

  /** Send a new message; return its entry at once. @param {string} to @param {string} content */
  add(to, content) {
    /** @type {Entry} */
    const entry = { id: newId(), to, content, timestamp: new Date().toISOString(), state: "sending" };
    this.entries.set(entry.id, entry);
    this.#enqueue(entry);
    return entry;
  }

  /** @param {string} id */
  retry(id) {
    const entry = this.entries.get(id);
    if (!entry || entry.state === "sending") return;
    Object.assign(entry, { state: "sending", reason: undefined });
    this.#enqueue(entry);
    this.onChange(entry);
  }

  /** Give up on a message that was not sent. @param {string} id */
  discard(id) {
    this.entries.delete(id);
    this.#save();
  }

  /** Take a message out of the history: one that was not confirmed did arrive.
   * @param {{id: string, client_message_id?: string | null, timestamp: string}} message */
  found({ id, client_message_id: key, timestamp }) {
    const entry = key ? this.entries.get(key) : undefined;
    if (entry && entry.state !== "sending") this.#confirmed(entry, { id, timestamp, queued: true });
  }

  /** @param {Entry} entry */
  #enqueue(entry) {
    this.#save();
    const before = this.lanes.get(entry.to) ?? Promise.resolve();
    const lane = before.then(() => this.#deliver(entry));
    this.lanes.set(entry.to, lane);
    lane.then(() => this.lanes.get(entry.to) === lane && this.lanes.delete(entry.to));
  }

  /** @param {Entry} entry */
  async #deliver(entry) {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#confirmed(entry, await this.api.send(entry.to, entry.content, entry.id));
        return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 0 || error.outcome === "unknown") entry.perhapsStored = true;
        if (attempt === ATTEMPTS || !error.isPassing) {
          this.#notSent(entry, error);
          return;
        }
        await pause(Math.max(error.retryAfterMs, Math.random() * BACK_OFF_MS * 2 ** attempt));
      }
    }
  }

  /** @param {Entry} entry @param {{id: string, timestamp: string, queued: boolean}} answer */
  #confirmed(entry, answer) {
    this.entries.delete(entry.id);
    this.#save();
    Object.assign(entry, {
      state: answer.queued ? "sent" : "late",
      messageId: answer.id,
      timestamp: answer.timestamp,
      reason: undefined,
    });
    this.onChange(entry);
  }

  /** @param {Entry} entry @param {ApiError} error */
  #notSent(entry, error) {
    entry.state = entry.perhapsStored ? "unconfirmed" : "failed";
    entry.canRetry = error.isPassing || error.status === 401;
    entry.reason = reasonOf(entry, error);
    this.#save();
    this.onChange(entry);
    if (error.status === 401) this.onSessionEnd();
  }

  #save() {
    this.storage.setJson(KEY, [...this.entries.values()]);
  }
}

/** Return a confirmed entry as the server lists it. @param {Entry} entry @param {string} me */
export function asMessage({ id, messageId, to, content, timestamp }, me) {
  return { id: messageId, from: me, to, message: content, timestamp, client_message_id: id };
}

/** @param {Entry} entry @param {ApiError} error */
function reasonOf(entry, error) {
  if (error.status === 401) return "Your session has ended.";
  if (!error.isPassing) return error.message;
  if (entry.perhapsStored) return "No answer came, so it may have arrived. Trying again cannot send it twice.";
  return error.status === 429 ? "Too many messages in a short time." : "The service could not store it.";
}

/** @param {number} ms @returns {Promise<void>} */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
