// @ts-check
/** The message field: Enter sends, Shift+Enter breaks the line, and a draft is kept for each conversation. */

import { byId } from "./dom.js";

const KEY = "drafts";
const WARN_BELOW = 100;

export class Composer {
  /**
   * @param {object} parts
   * @param {typeof import("./tabStorage.js").tabStorage} parts.storage
   * @param {number} parts.limit  longest message, in characters
   * @param {(text: string) => void} parts.announce
   * @param {(text: string) => void} parts.onSend
   */
  constructor({ storage, limit, announce, onSend }) {
    this.storage = storage;
    this.limit = limit;
    this.announce = announce;
    this.onSend = onSend;
    this.other = "";
    /** @type {Record<string, string>} */
    this.drafts = storage.getJson(KEY, {});
    this.field = /** @type {HTMLTextAreaElement} */ (byId("composer-text"));
    this.button = /** @type {HTMLButtonElement} */ (byId("composer").querySelector("[type=submit]"));
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#pressed(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** @param {string} other */
  open(other) {
    this.other = other;
    this.field.value = this.drafts[other] ?? "";
    this.#show();
  }

  focus() {
    this.field.focus();
  }

  /**
   * An Enter that ends a composition chooses a word and sends nothing. WebKit reports the end of the composition
   * before that key, with the code 229.
   * @param {KeyboardEvent} event
   */
  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!event.repeat) this.#send();
  }

  /** Characters as the server counts them: an emoji of one code point is one. */
  get length() {
    return [...this.field.value].length;
  }

  #send() {
    const text = this.field.value;
    if (!text.trim()) return;
    if (this.length > this.limit) return this.announce(byId("composer-count").textContent ?? "");
    this.onSend(text);
    this.field.value = "";
    this.#changed();
    this.focus();
  }

  #changed() {
    if (this.field.value) this.drafts[this.other] = this.field.value;
    else delete this.drafts[this.other];
    this.storage.setJson(KEY, this.drafts);
    this.#show();
  }

  #show() {
    const left = this.limit - this.length;
    const count = byId("composer-count");
    if (left < 0) count.textContent = `${-left} too many: a message has at most ${this.limit} characters`;
    else count.textContent = left < WARN_BELOW ? `${left} characters left` : "";
    count.toggleAttribute("data-over", left < 0);
    this.button.setAttribute("aria-disabled", String(!this.field.value.trim() || left < 0));
    if (!CSS.supports("field-sizing", "content")) this.#grow();
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
