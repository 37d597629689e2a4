// @ts-check
/** The list of conversations: who, the last line, when, and how many messages were not read yet. */

import { bdi, byId, clockTime, dayName, dressAvatar, element, timeElement } from "./dom.js";

/**
 * @typedef {object} Message  as the server sends it
 * @property {string} id
 * @property {string} from
 * @property {string} to
 * @property {string} message
 * @property {string} timestamp
 * @property {string | null} [client_message_id]
 */
/**
 * @typedef {object} Contact
 * @property {string} name
 * @property {string} line  the beginning of the last message
 * @property {boolean} mine  whether the user wrote it
 * @property {string} timestamp  of the last message; "" if there is none
 * @property {string} readUpTo  timestamp up to which everything counts as read
 * @property {number} unread
 */

const KEY = "contacts";
const LINE_LENGTH = 120;
const MOST_KEPT = 500;
const RECENT_KEPT = 50;

export class Contacts {
  /**
   * @param {object} parts
   * @param {string} parts.me
   * @param {typeof import("./tabStorage.js").tabStorage} parts.storage
   * @param {(name: string) => void} parts.onOpen
   * @param {(unread: number) => void} parts.onUnread
   */
  constructor({ me, storage, onOpen, onUnread }) {
    this.me = me;
    this.storage = storage;
    this.onUnread = onUnread;
    this.list = byId("contacts");
    /** @type {Map<string, Contact>} */
    this.contacts = new Map();
    /** Newest messages by contact, for when the history cannot be read. @type {Map<string, Message[]>} */
    this.recent = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.openName = "";
    const kept = storage.getJson(KEY, { countedUpTo: "", contacts: [] });
    /** Timestamps of a mailbox only grow: a message is counted once. */
    this.countedUpTo = kept.countedUpTo;
    for (const contact of kept.contacts) this.contacts.set(contact.name, contact);
    this.list.addEventListener("click", (event) => {
      const row = /** @type {Element} */ (event.target).closest("button");
      if (row?.dataset.name) onOpen(row.dataset.name);
    });
    this.isDrawn = true;
    this.#changed();
  }

  /** @param {string} name */
  #contact(name) {
    let contact = this.contacts.get(name);
    if (!contact) {
      contact = { name, line: "", mine: false, timestamp: "", readUpTo: "", unread: 0 };
      this.contacts.set(name, contact);
    }
    return contact;
  }

  /**
   * Take the conversations that the server lists. Whatever is older than the user's own last message was read.
   * @param {{with: string, last_sent: Message | null, last_received: Message | null}[]} conversations
   */
  seed(conversations) {
    for (const { with: name, last_sent: sent, last_received: received } of conversations) {
      for (const message of [sent, received]) if (message) this.#note(name, message);
      const contact = this.#contact(name);
      if (sent && sent.timestamp > contact.readUpTo) contact.readUpTo = sent.timestamp;
    }
    this.#changed();
  }

  /** Take new messages of the user's mailbox. @param {Message[]} messages @param {string} beingRead */
  receive(messages, beingRead) {
    for (const message of messages) {
      const name = message.from;
      const contact = this.#contact(name);
      this.#note(name, message);
      this.#remember(name, message);
      if (message.timestamp <= this.countedUpTo) continue;
      this.countedUpTo = message.timestamp;
      const isRead = name === beingRead || name === this.me || message.timestamp <= contact.readUpTo;
      if (!isRead) contact.unread += 1;
    }
    this.#changed();
  }

  /** Take a message that the user sent. @param {string} name @param {string} content @param {string} timestamp */
  sent(name, content, timestamp) {
    this.#note(name, { id: "", from: this.me, to: name, message: content, timestamp });
    this.#changed();
  }

  /** @param {string} name */
  markRead(name) {
    const contact = this.contacts.get(name);
    if (!contact?.unread) return;
    contact.unread = 0;
    this.#changed();
  }

  /** Mark the open conversation, and list it even if it has no message yet. @param {string} name */
  setOpen(name) {
    this.openName = name;
    if (name) this.#contact(name);
    this.#changed();
  }

  /** @param {string} name @param {Message} message */
  #note(name, message) {
    const contact = this.#contact(name);
    if (message.timestamp < contact.timestamp) return;
    contact.line = [...message.message.trim().replace(/\s+/gu, " ")].slice(0, LINE_LENGTH).join("");
    contact.mine = message.from === this.me;
    contact.timestamp = message.timestamp;
  }

  /** @param {string} name @param {Message} message */
  #remember(name, message) {
    const recent = this.recent.get(name) ?? [];
    recent.push(message);
    if (recent.length > RECENT_KEPT) recent.shift();
    this.recent.set(name, recent);
  }

  /** Draw and keep once a frame, however many pages arrive meanwhile; at once while nothing is painted. */
  #changed() {
    this.#save();
    if (!this.isDrawn) return;
    this.isDrawn = false;
    const draw = () => {
      this.isDrawn = true;
      this.#draw();
    };
    if (document.hidden) draw();
    else requestAnimationFrame(draw);
  }

  #sorted() {
    return [...this.contacts.values()]
      .sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0))
      .slice(0, MOST_KEPT);
  }

  #save() {
    this.storage.setJson(KEY, { countedUpTo: this.countedUpTo, contacts: this.#sorted() });
  }

  #draw() {
    const focused = document.activeElement;
    const wanted = this.#sorted().filter((contact) => contact.timestamp || contact.name === this.openName);
    wanted.forEach((contact, index) => {
      const row = this.#row(contact);
      if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
    });
    while (this.list.children.length > wanted.length) {
      const row = /** @type {HTMLElement} */ (this.list.lastElementChild);
      this.rows.delete(row.dataset.name ?? "");
      row.remove();
    }
    // A row that moved in the document has lost the focus.
    if (focused instanceof HTMLElement && this.list.contains(focused)) focused.focus({ preventScroll: true });
    byId("no-contacts").hidden = wanted.length > 0;
    this.onUnread([...this.contacts.values()].reduce((sum, contact) => sum + contact.unread, 0));
  }

  /** Return the contact's row, made anew only if it shows something else. @param {Contact} contact */
  #row(contact) {
    const day = contact.timestamp ? dayName(new Date(contact.timestamp)) : "";
    const shown = JSON.stringify([contact, contact.name === this.openName, day]);
    let row = this.rows.get(contact.name);
    if (!row) {
      row = element("li", { "data-name": contact.name }, element("button", { type: "button" }));
      this.rows.set(contact.name, row);
    }
    if (row.dataset.shown === shown) return row;
    row.dataset.shown = shown;
    const button = /** @type {HTMLElement} */ (row.firstElementChild);
    button.dataset.name = contact.name;
    if (contact.name === this.openName) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    button.toggleAttribute("data-unread", contact.unread > 0);
    button.replaceChildren(...this.#parts(contact, day));
    return row;
  }

  /** @param {Contact} contact @param {string} day @returns {Node[]} */
  #parts({ name, line, mine, timestamp, unread }, day) {
    const avatar = element("span", { class: "avatar", "aria-hidden": "true" });
    dressAvatar(avatar, name);
    const title = element("span", { class: "contact-name" }, bdi(name), ...(name === this.me ? [" (you)"] : []));
    const parts = [avatar, title];
    if (timestamp) {
      const moment = new Date(timestamp);
      parts.push(timeElement(moment, day === "Today" ? clockTime(moment) : day));
    }
    const text = element("span", { class: "contact-line" }, ...(mine && name !== this.me ? ["You: "] : []), bdi(line));
    parts.push(line ? text : element("span", { class: "contact-line" }, "No messages yet"));
    if (unread) {
      const count = unread > 99 ? "99+" : String(unread);
      parts.push(element("span", { class: "badge" }, count, element("span", { class: "unseen" }, " not read")));
    }
    return parts;
  }
}
