// @ts-check
/** @import { Answer, Environment, ErrorKind, Message, Token } from './types.js' */

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** @type {Record<number, [ErrorKind, string]>} */
const STATUSES = {
  401: ["unauthorised", "Not signed in, or no longer"],
  429: ["too_many_requests", "Too many requests"],
  503: ["service_unavailable", "Message service temporarily unavailable"],
};

export class PollingError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {string} message
   * @param {number | null} status
   * @param {number | null} retryAfterMs what the server asked for
   */
  constructor(kind, message, status = null, retryAfterMs = null) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Return the answer, or throw a PollingError: in time even if what we wait for ignores its signal.
 * @param {Environment} env
 * @param {string} url
 * @param {() => Promise<Token>} token
 * @param {number} timeoutMs for the whole answer
 * @param {AbortController} controller
 */
export async function fetchAnswer(env, url, token, timeoutMs, controller) {
  let isLate = false;
  const timer = env.setTimeout(() => {
    isLate = true;
    controller.abort();
  }, timeoutMs);
  const aborted = new Promise((_, reject) => controller.signal.addEventListener("abort", reject));
  try {
    return await Promise.race([exchange(env, url, token, controller.signal), /** @type {never} */ (aborted)]);
  } catch (error) {
    if (error instanceof PollingError) throw error;
    if (isLate) throw new PollingError("timeout", `No answer within ${timeoutMs / 1000} s`);
    throw new PollingError("network", `The server cannot be reached (${error})`);
  } finally {
    env.clearTimeout(timer);
  }
}

/**
 * @param {Environment} env
 * @param {string} url
 * @param {() => Promise<Token>} token
 * @param {AbortSignal} signal
 */
async function exchange(env, url, token, signal) {
  const known = await token();
  /** @type {Record<string, string>} */
  const headers = known ? { Authorization: `Bearer ${known}` } : {};
  const response = await env.fetch(url, { headers, signal, cache: "no-store" });
  if (response.status !== 200) throw await refusal(response, env.wallClock());
  return asAnswer(await response.text());
}

/**
 * @param {Response} response
 * @param {number} nowMs by the wall clock
 */
async function refusal(response, nowMs) {
  const { status, headers } = response;
  const [kind, text] = STATUSES[status] ?? otherStatus(status);
  await response.text().catch(() => ""); // a body that is not read, or cut, keeps the connection or says nothing
  return new PollingError(kind, text, status, retryAfterMs(headers, nowMs));
}

/**
 * @param {number} status
 * @returns {[ErrorKind, string]}
 */
function otherStatus(status) {
  if (status >= 500) return ["server_error", "Server error"];
  return status >= 400
    ? ["refused", "The server refuses this poll"]
    : ["invalid_answer", "Not an answer to a poll"];
}

/**
 * Return the milliseconds that `Retry-After` asks for, in seconds or as a date; null without one.
 * @param {Headers} headers
 * @param {number} nowMs
 */
function retryAfterMs(headers, nowMs) {
  const value = headers.get("Retry-After")?.trim() || "";
  // A date is compared with the server's own `Date`: our clock may be wrong.
  const serverNowMs = Date.parse(headers.get("Date") ?? "") || nowMs;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - serverNowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/**
 * Return the answer in a body, or throw: a proxy's page, for example, is not an answer.
 * @param {string} text
 * @returns {Answer}
 */
function asAnswer(text) {
  try {
    const body = JSON.parse(text);
    const { messages, next_since: next, success } = body;
    const isSound = isTimestamp(next) || (next == null && messages.length === 0);
    if (Array.isArray(messages) && isSound && success !== false) return body;
  } catch {
    // What is not JSON, or not an object, is as wrong as what has other fields.
  }
  throw new PollingError("invalid_answer", `Invalid answer: ${text.slice(0, 80)}`, 200);
}

/**
 * Return the message, frozen because all listeners share it; null if it is not a message to this user.
 * @param {any} value
 * @param {string} username
 * @returns {Readonly<Message> | null}
 */
export function asMessage(value, username) {
  const texts = [value?.id, value?.from, value?.to, value?.message];
  const isMessage =
    texts.every((text) => typeof text === "string") && value.id && isTimestamp(value.timestamp);
  return isMessage && value.to.normalize("NFC") === username ? Object.freeze(value) : null;
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isTimestamp(value) {
  return typeof value === "string" && TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value));
}
