// @ts-check
/**
 * The open conversation. New messages are appended to a live region (`role="log"`), and nothing in it is ever
 * replaced: some screen readers would read it all again. History is loaded into a region beside it that is not live.
 */

import { ApiError } from "./api.js";
import { bdi, byId, clockTime, dayName, dressAvatar, element, timeElement } from "./dom.js";
import { sign } from "./signs.js";

/** @typedef {import("./contacts.js").Message} Message */
/** @typedef {import("./outbox.js").Entry} Entry */

const PAGE = 50;
const MOST_SHOWN = 600;
const NEAR_PX = 80;
const LOAD_AHEAD_PX = 400;
const TRY_AGAIN_MS = 3000;
const GROUP_MS = 5 * 60_000;

/** @type {Record<Entry["state"], string>} */
const WORDS = {
  sending: "Sending",
  sent: "Sent",
  late: "Sent, may arrive a little late",
  failed: "Not sent",
  unconfirmed: "Not confirmed",
};

/** What is drawn: a message of the server, or one on its way there.
 * @typedef {object} Shown
 * @property {string} key  the message's id, or the client_message_id of one's own
 * @property {boolean} mine
 * @property {string} from
 * @property {string} text
 * @property {Date} moment
 * @property {Entry | null} entry
 */

export class Conversation {
  other = "";
  /** Keys of what is shown. @type {Set<string>} */
  keys = new Set();
  /** Where the next older page ends; null: not known. @type {string | null} */
  before = null;
  hasMore = false;
  isLoading = false;
  /** Whether the last page could not be read. */
  isFailed = false;
  /** Whether the newest page has been read. */
  isComplete = false;
  /** What arrived while the newest page was on its way. @type {Message[]} */
  early = [];
  /** Whether the newest message is in view, and should stay there when a banner or a longer line comes. */
  isPinned = true;
  /** Grows with every conversation opened: an answer to an earlier one is not shown. */
  visit = 0;

  /**
   * @param {object} parts
   * @param {string} parts.me
   * @param {ReturnType<import("./api.js").createApi>} parts.api
   * @param {import("./outbox.js").Outbox} parts.outbox
   * @param {(name: string) => Message[]} parts.recent  messages known without the history
   * @param {() => void} parts.onRead
   * @param {(text: string) => void} parts.announce
   * @param {() => void} parts.onSessionEnd
   */
  constructor({ me, api, outbox, recent, onRead, announce, onSessionEnd }) {
    this.me = me;
    this.api = api;
    this.outbox = outbox;
    this.recent = recent;
    this.onRead = onRead;
    this.announce = announce;
    this.onSessionEnd = onSessionEnd;
    this.scroller = byId("scroller");
    this.history = byId("history");
    this.log = byId("log");
    this.toNewest = byId("to-newest");
    this.#forget();
    const sizes = new ResizeObserver(() => this.isPinned && this.#goToNewest());
    for (const part of [this.scroller, this.history, this.log]) sizes.observe(part);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.scroller.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    this.toNewest.addEventListener("click", () => this.#goToNewest());
    byId("load-earlier").addEventListener("click", () => this.#loadEarlier());
  }

  #forget() {
    this.keys.clear();
    this.before = null;
    this.hasMore = this.isLoading = this.isFailed = this.isComplete = false;
    this.early = [];
    this.isPinned = true;
    this.visit += 1;
    this.history.replaceChildren();
    this.log.replaceChildren();
    this.toNewest.hidden = true;
    this.#note("");
  }

  /** Show the conversation with `other`. @param {string} other @returns {Promise<void>} */
  async open(other) {
    this.other = other;
    this.#forget();
    dressAvatar(byId("other-avatar"), other);
    byId("other-name").textContent = byId("other-name").title = other;
    this.scroller.setAttribute("aria-label", `Messages with ${other}`);
    this.#note("Loading…");
    await this.#loadNewest();
  }

  close() {
    this.other = "";
    this.#forget();
  }

  /** Load what is missing: the first page if it failed, else what other tabs sent or a `gap` left out. */
  async refresh() {
    if (!this.other || this.isLoading) return;
    if (this.isFailed) await this.#loadEarlier();
    else if (this.isComplete) await this.#catchUp();
  }

  async #loadNewest() {
    const page = await this.#page(null);
    if (page === undefined) return;
    const messages = page ?? this.recent(this.other).filter((message) => !this.keys.has(keyOf(message, this.me)));
    if (page) {
      this.history.replaceChildren();
      this.log.replaceChildren();
      this.keys.clear();
    }
    this.#prepend(messages);
    this.isComplete = page !== null;
    const wasPinned = this.isPinned;
    const early = this.early;
    this.early = [];
    for (const entry of this.outbox.unsentTo(this.other)) this.#append(shownEntry(entry, this.me));
    for (const message of early) this.#append(shownMessage(message, this.me));
    if (wasPinned) this.#goToNewest();
    this.#loadUntilFull();
  }

  async #catchUp() {
    const visit = this.visit;
    try {
      const { messages } = await this.api.conversation(this.other, null, PAGE);
      if (visit !== this.visit) return;
      for (const message of messages.reverse()) this.#appendIfNew(message);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the polls tell the user already
    }
  }

  async #loadEarlier() {
    if (this.isFailed && !this.isComplete) return this.#loadNewest();
    const page = await this.#page(this.before);
    if (!page) return;
    const fromBottom = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.#prepend(page.filter((message) => !this.keys.has(keyOf(message, this.me))));
    this.scroller.scrollTop = this.scroller.scrollHeight - fromBottom;
    this.#loadUntilFull();
  }

  /**
   * Read one page, oldest first. Null: it cannot be read now. Undefined: it is not wanted any more.
   * @param {string | null} before @returns {Promise<Message[] | null | undefined>}
   */
  async #page(before) {
    if (this.isLoading) return undefined;
    const visit = this.visit;
    this.isLoading = true;
    try {
      const page = await this.api.conversation(this.other, before, PAGE);
      if (visit !== this.visit) return undefined;
      this.before = page.next_before;
      this.hasMore = page.has_more;
      this.isFailed = false;
      this.#note(page.has_more ? "" : page.count || before ? "This is the beginning." : "No messages yet. Say hello.");
      return page.messages.reverse();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (visit !== this.visit) return undefined;
      this.isFailed = true;
      if (error.status === 401) this.onSessionEnd();
      this.#note("Earlier messages cannot be read at the moment.");
      setTimeout(() => visit === this.visit && this.isFailed && this.refresh(), TRY_AGAIN_MS);
      return null;
    } finally {
      if (visit === this.visit) {
        this.isLoading = false;
        const button = byId("load-earlier");
        button.hidden = !(this.hasMore || this.isFailed);
        button.textContent = this.isFailed ? "Try again" : "Show earlier messages";
      }
    }
  }

  /** @param {string} text */
  #note(text) {
    byId("history-note").textContent = text;
    if (!this.isFailed && !this.hasMore) byId("load-earlier").hidden = true;
  }

  // -- what is shown

  /** Take new messages; those of other conversations are not shown. @param {Message[]} messages */
  receive(messages) {
    for (const message of messages) {
      const other = message.from === this.me ? message.to : message.from;
      if (other === this.other) this.#appendIfNew(message);
    }
  }

  /** @param {Message} message */
  #appendIfNew(message) {
    if (this.isLoading && !this.isComplete) {
      this.early.push(message);
      return;
    }
    this.outbox.found(message);
    const isHistory = this.hasMore && this.before !== null && message.timestamp < this.before;
    if (!isHistory) this.#append(shownMessage(message, this.me));
  }

  /** Show a message that the user has just sent. @param {Entry} entry */
  sending(entry) {
    this.#append(shownEntry(entry, this.me));
    this.#goToNewest();
  }

  /** Show an entry's new state. @param {Entry} entry */
  update(entry) {
    if (entry.to !== this.other) return;
    const drawn = this.#drawn(entry.id);
    if (!drawn) return;
    if (entry.messageId) this.keys.add(entry.messageId);
    drawn.querySelector(".meta")?.replaceWith(meta({ ...shownEntry(entry, this.me) }));
    drawn.dataset.state = entry.state;
    const isBad = entry.state === "failed" || entry.state === "unconfirmed";
    if (isBad) this.announce(`${WORDS[entry.state]}: ${entry.reason ?? ""}`);
    else if (entry.state !== "sending") this.announce(WORDS[entry.state]);
    if (isBad && !this.isPinned) drawn.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} key @returns {HTMLElement | undefined} */
  #drawn(key) {
    for (const region of [this.log, this.history]) {
      for (let drawn = region.lastElementChild; drawn; drawn = drawn.previousElementSibling) {
        if (/** @type {HTMLElement} */ (drawn).dataset.key === key) return /** @type {HTMLElement} */ (drawn);
      }
    }
    return undefined;
  }

  /** @param {Shown} shown */
  #append(shown) {
    if (this.keys.has(shown.key)) return;
    this.keys.add(shown.key);
    const before = /** @type {HTMLElement | null} */ (this.log.lastElementChild ?? this.history.lastElementChild);
    this.log.append(...drawn(shown, before));
    if (this.isPinned) {
      this.#trim();
      this.#goToNewest();
    } else if (!shown.mine) this.toNewest.hidden = false;
  }

  /** Put older messages on top. @param {Message[]} messages oldest first */
  #prepend(messages) {
    const page = document.createDocumentFragment();
    /** @type {HTMLElement | null} */
    let before = null;
    for (const message of messages) {
      const shown = shownMessage(message, this.me);
      this.keys.add(shown.key);
      this.keys.add(message.id);
      this.outbox.found(message);
      const parts = drawn(shown, before);
      page.append(...parts);
      before = parts[parts.length - 1];
    }
    const first = /** @type {HTMLElement | null} */ (this.history.firstElementChild ?? this.log.firstElementChild);
    if (before && first?.classList.contains("day") && first.dataset.day === before.dataset.day) first.remove();
    this.history.prepend(page);
  }

  /** Keep a chat that is left open from growing: the oldest go, and can be scrolled back to. */
  #trim() {
    const extra = this.history.children.length + this.log.children.length - MOST_SHOWN;
    if (extra < PAGE || this.isLoading) return;
    for (let removed = 0; removed < extra; removed++) {
      const oldest = /** @type {HTMLElement} */ (this.history.firstElementChild ?? this.log.firstElementChild);
      if (oldest.dataset.state && oldest.dataset.state !== "sent" && oldest.dataset.state !== "late") break;
      for (const key of [oldest.dataset.key, oldest.dataset.id]) if (key) this.keys.delete(key);
      oldest.remove();
    }
    const first = /** @type {HTMLElement} */ ((this.history.querySelector(".message") ?? this.log.querySelector(".message")));
    this.before = first.dataset.timestamp ?? this.before;
    this.hasMore = true;
    byId("load-earlier").hidden = false;
    byId("history-note").textContent = "";
  }

  // -- scrolling

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #scrolled() {
    this.isPinned = this.isAtEnd;
    if (this.isPinned) {
      this.toNewest.hidden = true;
      this.onRead();
    }
    this.#loadUntilFull();
  }

  #loadUntilFull() {
    const isNear = this.scroller.clientHeight > 0 && this.scroller.scrollTop < LOAD_AHEAD_PX;
    if (isNear && this.hasMore && !this.isFailed && !this.isLoading) this.#loadEarlier();
  }

  #goToNewest() {
    this.isPinned = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.toNewest.hidden = true;
    this.onRead();
  }

  /** @param {Element} target */
  #clicked(target) {
    const action = target.closest("button")?.dataset.action;
    const message = /** @type {HTMLElement | null} */ (target.closest(".message"));
    if (!action || !message?.dataset.key) return;
    if (action === "retry") this.outbox.retry(message.dataset.key);
    if (action === "discard") {
      this.outbox.discard(message.dataset.key);
      message.remove();
      this.announce("Discarded");
    }
    byId("composer-text").focus();
  }
}

/** Under which key a message is shown: one's own is the one that was shown while it was on its way.
 * @param {Message} message @param {string} me */
const keyOf = (message, me) => (message.from === me && message.client_message_id) || message.id;

/** @param {Message} message @param {string} me @returns {Shown & {id: string, timestamp: string}} */
function shownMessage(message, me) {
  const { id, from, message: text, timestamp } = message;
  return { key: keyOf(message, me), mine: from === me, from, text, moment: new Date(timestamp), entry: null, id, timestamp };
}

/** @param {Entry} entry @param {string} me @returns {Shown} */
const shownEntry = (entry, me) => ({
  key: entry.id, mine: true, from: me, text: entry.content, moment: new Date(entry.timestamp), entry,
});

/** Draw a message, below a line with the day if that is another than before.
 * @param {Shown & {id?: string, timestamp?: string}} shown @param {HTMLElement | null} before @returns {HTMLElement[]} */
function drawn(shown, before) {
  const day = dayName(shown.moment);
  const isNewDay = before?.dataset.day !== day;
  const follows =
    !isNewDay && before?.dataset.from === shown.from && Number(shown.moment) - Number(before.dataset.ms) < GROUP_MS;
  const made = element(
    "div",
    {
      class: `message ${shown.mine ? "mine" : "theirs"}${follows ? " follows" : ""}`,
      "data-key": shown.key,
      "data-day": day,
      "data-from": shown.from,
      "data-ms": String(Number(shown.moment)),
      "data-state": shown.entry?.state ?? "sent",
      ...(shown.id ? { "data-id": shown.id } : {}),
      ...(shown.timestamp ? { "data-timestamp": shown.timestamp } : {}),
    },
    element("span", { class: "unseen" }, ...(shown.mine ? ["You"] : [bdi(shown.from)]), ": "),
    element("p", { class: "bubble", dir: "auto" }, shown.text),
    meta(shown),
  );
  if (!isNewDay) return [made];
  return [element("p", { class: "day", "data-day": day }, element("span", {}, day)), made];
}

/** The small line below a message: when, and what became of it. @param {Shown} shown */
function meta({ mine, moment, entry }) {
  const line = element("p", { class: "meta" }, timeElement(moment, clockTime(moment)));
  if (!mine) return line;
  const state = entry?.state ?? "sent";
  line.append(element("span", { class: "state", "data-state": state }, sign(state), WORDS[state]));
  if (state !== "failed" && state !== "unconfirmed") return line;
  if (entry?.reason) line.append(element("span", { class: "reason" }, entry.reason));
  if (entry?.canRetry) line.append(element("button", { type: "button", class: "link", "data-action": "retry" }, "Try again"));
  line.append(element("button", { type: "button", class: "link", "data-action": "discard" }, "Discard"));
  return line;
}
