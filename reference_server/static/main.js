// @ts-check
/** The page's wiring: who is signed in, and which part hears of what. */

import { createApi, ApiError } from "./api.js";
import { Composer } from "./composer.js";
import { Contacts } from "./contacts.js";
import { Conversation } from "./conversation.js";
import { byId, dressAvatar } from "./dom.js";
import { Outbox, asMessage } from "./outbox.js";
import { startPolling } from "./polling.js";
import { showServiceState } from "./serviceState.js";
import { sign } from "./signs.js";
import { isUsername, SignIn } from "./signIn.js";
import { tabStorage } from "./tabStorage.js";

/** @typedef {import("./signIn.js").Session} Session */

const MESSAGE_LIMIT = Number(document.querySelector("meta[name=message-limit]")?.getAttribute("content"));
const signIn = new SignIn(begin);

/** @param {Session} session */
function begin(session) {
  // Drafts and unsent messages wait for the user whose session ended, and for no other.
  if (tabStorage.getItem("user") !== session.username) tabStorage.clear();
  tabStorage.setItem("user", session.username);
  tabStorage.setJson("session", session);
  startChat(session);
}

/** Forget everything of the user: a new document has no memory of this one. */
function signOut() {
  tabStorage.clear();
  location.replace("/");
}

/** The token has expired or was refused: what is written stays for the same user. */
function sessionEnded() {
  if (tabStorage.getItem("session") === null) return;
  tabStorage.removeItem("session");
  tabStorage.setItem("reason", "Your session has ended. Sign in again; what you wrote is still here.");
  location.replace("/");
}

/** @param {Session} session */
async function startChat({ token, username: me }) {
  const api = createApi(token);
  const page = byId("chat");
  let isRead = () => {};
  let isListed = false;
  /** What one tab of a user has sent, to the others: a mailbox has only what was sent to its user. */
  const otherTabs = new BroadcastChannel(`chat:sent:${me}`);
  const announce = (/** @type {string} */ text) => (byId("announcer").textContent = text);
  const outbox = new Outbox({
    api, storage: tabStorage, onSessionEnd: sessionEnded,
    onChange: (entry) => {
      conversation.update(entry);
      if (!entry.messageId) return;
      contacts.sent(entry.to, entry.content, entry.timestamp);
      otherTabs.postMessage(asMessage(entry, me));
    },
  });
  const contacts = new Contacts({
    me, storage: tabStorage, onOpen: (name) => open(name),
    onUnread: (count) => (document.title = count ? `(${count}) Chat` : "Chat"),
  });
  const conversation = new Conversation({
    me, api, outbox, announce, onSessionEnd: sessionEnded,
    recent: (name) => contacts.recent.get(name) ?? [],
    onRead: () => isRead(),
  });
  const composer = new Composer({
    storage: tabStorage, limit: MESSAGE_LIMIT, announce,
    onSend: (text) => {
      const entry = outbox.add(conversation.other, text);
      contacts.sent(entry.to, text, entry.timestamp);
      conversation.sending(entry);
    },
  });

  const isLookedAt = () => !document.hidden && byId("scroller").clientHeight > 0;
  const beingRead = () => (isLookedAt() && conversation.isPinned ? conversation.other : "");
  isRead = () => {
    if (beingRead()) contacts.markRead(conversation.other);
  };

  /** @param {string} name */
  async function open(name) {
    page.dataset.pane = "talk";
    byId("nothing-open").hidden = true;
    byId("open").hidden = false;
    contacts.setOpen(name);
    composer.open(name);
    tabStorage.setItem("open", name);
    composer.focus();
    if (name !== conversation.other) await conversation.open(name);
    contacts.markRead(name);
  }

  function back() {
    page.dataset.pane = "contacts";
    /** @type {HTMLElement | null} */ (byId("contacts").querySelector("[aria-current]"))?.focus();
  }

  /** Open a conversation with a name that was typed, if there is such a user. @param {SubmitEvent} event */
  async function openTyped(event) {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (byId("new-chat-name"));
    const name = field.value.trim().normalize("NFC");
    const complain = (/** @type {string} */ text) => {
      byId("new-chat-error").textContent = text;
      if (text) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    };
    if (!isUsername(name)) return complain("A username has 3 to 64 letters, digits and the characters _ . @ + -");
    try {
      await api.conversation(name, null, 1);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return sessionEnded();
      return complain(error.status === 404 ? `There is no user “${name}”.` : "This cannot be looked up at the moment. Try again.");
    }
    complain("");
    field.value = "";
    await open(name);
  }

  /** List all users with whom messages were exchanged. Without the list, the polls bring at least those who wrote. */
  async function listConversations() {
    try {
      contacts.seed((await api.conversations()).conversations);
      isListed = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) sessionEnded();
    }
  }

  byId("my-name").textContent = me;
  dressAvatar(byId("my-avatar"), me);
  byId("gap-banner").prepend(sign("gap"));
  byId("sign-out").addEventListener("click", signOut);
  byId("back").addEventListener("click", back);
  byId("new-chat").addEventListener("submit", openTyped);
  byId("gap-close").addEventListener("click", () => (byId("gap-banner").hidden = true));
  otherTabs.onmessage = ({ data: message }) => {
    contacts.sent(message.to, message.message, message.timestamp);
    conversation.receive([message]);
  };
  const lookedAt = () => {
    if (document.hidden) return;
    isRead();
    conversation.refresh();
  };
  document.addEventListener("visibilitychange", lookedAt);
  window.addEventListener("focus", lookedAt); // of two windows side by side, neither is ever hidden
  page.hidden = false;

  const kept = tabStorage.getItem("open");
  if (kept) open(kept);
  else byId("new-chat-name").focus();
  await listConversations();
  startPolling({
    username: me, token, storage: tabStorage, onSessionEnd: sessionEnded,
    onMessages: (messages) => {
      contacts.receive(messages, beingRead());
      conversation.receive(messages);
    },
    onGap: () => {
      byId("gap-banner").hidden = false;
      conversation.refresh();
    },
    onState: (state) => {
      showServiceState(state);
      if (state !== "ok") return;
      if (!isListed) listConversations();
      if (conversation.isFailed) conversation.refresh();
    },
  });
}

// A page that comes back out of the back/forward cache may be of a user who has signed out.
window.addEventListener("pageshow", (event) => {
  if (event.persisted && !byId("chat").hidden && tabStorage.getItem("session") === null) location.replace("/");
});

/** @type {Session | null} */
const session = tabStorage.getJson("session", null);
if (session) {
  startChat(session);
} else {
  signIn.open(tabStorage.getItem("reason") ?? "", tabStorage.getItem("user") ?? "");
  tabStorage.removeItem("reason");
}
