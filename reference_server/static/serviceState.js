// @ts-check
/** How the service is doing, in plain words: a quiet line always, and a banner when something is wrong. */

import { byId } from "./dom.js";
import { sign } from "./signs.js";

/** @type {Record<string, {line: string, sign: string, banner?: string}>} */
const STATES = {
  connecting: { line: "Connecting", sign: "connecting" },
  ok: { line: "Up to date", sign: "ok" },
  degraded: {
    line: "Running on its reserve",
    sign: "degraded",
    banner: "Part of the service is down. Messages still arrive, perhaps a little slower. Nothing is lost.",
  },
  away: {
    line: "Service away, trying again",
    sign: "away",
    banner: "The message service is away for the moment. What you write is kept here; new messages arrive once it is back.",
  },
  offline: {
    line: "No connection, trying again",
    sign: "away",
    banner: "The server cannot be reached. Check your connection; this page tries again by itself.",
  },
  busy: {
    line: "Waiting a moment",
    sign: "connecting",
    banner: "The server asked this page to wait a moment before it asks again.",
  },
};

let shown = "";

/** @param {string} state  one of the above */
export function showServiceState(state) {
  if (state === shown) return;
  shown = state;
  const { line, sign: shape, banner } = STATES[state];
  for (const id of ["service", "service-banner"]) {
    const place = byId(id);
    place.dataset.state = state;
    place.querySelector(".sign")?.replaceWith(sign(shape));
  }
  byId("service-text").textContent = line;
  byId("service-banner-text").textContent = banner ?? "";
  byId("service-banner").hidden = !banner;
}
