// @ts-check
/** The page's use of the polling service: pages of messages instead of single ones, and states in the page's words. */

import { MessagePollingService } from "./messagePollingService.js";

/** @typedef {import("./messagePollingService.js").Message} Message */

/** What the page shows while polls fail in this way. @type {Record<string, string>} */
const STATE_OF = { network: "offline", timeout: "offline", too_many_requests: "busy" };

/**
 * Poll for the user until the document ends.
 * @param {object} parts
 * @param {string} parts.username
 * @param {string} parts.token
 * @param {typeof import("./tabStorage.js").tabStorage} parts.storage
 * @param {(messages: Readonly<Message>[]) => void} parts.onMessages  new ones, oldest first
 * @param {() => void} parts.onGap
 * @param {(state: string) => void} parts.onState
 * @param {() => void} parts.onSessionEnd
 */
export function startPolling({ username, token, storage, onMessages, onGap, onState, onSessionEnd }) {
  const service = new MessagePollingService({ token, environment: { storage } });
  /** @type {Readonly<Message>[]} */
  let page = [];
  service.onMessage((message) => {
    // The messages of an answer come in one go: the page draws them in one go, in the same task.
    if (page.push(message) > 1) return;
    queueMicrotask(() => {
      const messages = page;
      page = [];
      onMessages(messages);
    });
  });
  service.onState((state) => {
    if (state.type === "polling") onState(state.degraded ? "degraded" : "ok");
    if (state.type === "gap") onGap();
    if (state.type === "error" && state.kind !== "unauthorised") onState(STATE_OF[state.kind] ?? "away");
    if (state.type === "stopped" && state.reason === "unauthorised") onSessionEnd();
  });
  service.start(username);
}
