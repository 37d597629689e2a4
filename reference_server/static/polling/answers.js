// @ts-check
/**
 * One poll over HTTP: its answer, checked, or a PollingError that says what went wrong.
 *
 * @typedef {import('./environment.js').Environment} Environment
 *
 * @typedef {'timeout' | 'server_error' | 'service_unavailable' | 'unauthorised' | 'too_many_requests' | 'network'
 *   | 'invalid_answer' | 'refused'} ErrorKind `refused`: any other 4xx
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} from
 * @property {string} to
 * @property {string} message the text, to be shown as text
 * @property {string} timestamp ISO 8601
 * @property {number} [seq]
 * @property {string | null} [client_message_id]
 *
 * @typedef {object} Answer
 * @property {unknown[]} messages oldest first, each to be checked by `asMessage`
 * @property {string | null} next_since
 * @property {boolean} has_more
 * @property {boolean} gap
 * @property {boolean} degraded
 * @property {number | null} poll_after_ms
 */

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** @type {Record<number, [ErrorKind, string]>} */
const STATUSES = {
  401: ['unauthorised', 'Not signed in, or no longer'],
  429: ['too_many_requests', 'Too many requests'],
  503: ['service_unavailable', 'Message service temporarily unavailable'],
};

export class PollingError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {string} message
   * @param {number | null} status of the answer, if there was one
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
 * Return the checked answer, or throw a PollingError.
 * @param {Environment} env
 * @param {string} url
 * @param {string | null} token
 * @param {number} timeoutMs for the whole of it, body included
 * @param {AbortController} controller
 * @returns {Promise<Answer>}
 */
export async function fetchAnswer(env, url, token, timeoutMs, controller) {
  let isLate = false;
  const timer = env.setTimeout(() => {
    isLate = true;
    controller.abort();
  }, timeoutMs);
  try {
    const response = await env.fetch(url, request(token, controller.signal));
    if (response.status !== 200) throw await refusal(response, env.wallClock());
    return asAnswer(await response.text());
  } catch (error) {
    if (error instanceof PollingError) throw error;
    if (isLate) throw new PollingError('timeout', `No answer within ${timeoutMs / 1000} s`);
    throw new PollingError('network', `The server cannot be reached (${error})`);
  } finally {
    env.clearTimeout(timer);
  }
}

/**
 * @param {string | null} token
 * @param {AbortSignal} signal
 * @returns {RequestInit}
 */
function request(token, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  return { headers, signal, cache: 'no-store', credentials: 'same-origin' };
}

/**
 * Return the error for any status but 200.
 * @param {Response} response
 * @param {number} nowMs by the wall clock
 */
async function refusal(response, nowMs) {
  const { status, headers } = response;
  const [kind, text] = STATUSES[status] ?? otherStatus(status);
  // The body is read to its end, or the connection would stay open; what it says, or that it was cut, is no matter.
  await response.text().catch(() => '');
  return new PollingError(kind, text, status, retryAfterMs(headers, nowMs));
}

/**
 * @param {number} status
 * @returns {[ErrorKind, string]}
 */
function otherStatus(status) {
  if (status >= 500) return ['server_error', 'Server error'];
  if (status >= 400) return ['refused', 'The server refuses this poll'];
  return ['invalid_answer', 'Not an answer to a poll'];
}

/**
 * Return the milliseconds of `Retry-After`, which is in seconds or a date; null without one that can be read.
 * @param {Headers} headers
 * @param {number} nowMs by the wall clock
 */
function retryAfterMs(headers, nowMs) {
  const value = headers.get('Retry-After')?.trim();
  if (!value) return null;
  // A date is by the server's clock, so it is compared with the server's own `Date`: ours may be wrong.
  const serverNowMs = Date.parse(headers.get('Date') ?? '') || nowMs;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - serverNowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/**
 * Return the answer in a body, or throw a PollingError: a proxy's page with status 200 is not an answer.
 * @param {string} text
 * @returns {Answer}
 */
function asAnswer(text) {
  const body = parsed(text);
  const problem = problemOf(body);
  if (problem) throw new PollingError('invalid_answer', `Invalid answer: ${problem}`, 200);
  const after = body.poll_after_ms;
  return {
    messages: body.messages,
    next_since: body.next_since ?? null,
    has_more: body.has_more === true,
    gap: body.gap === true,
    degraded: body.degraded === true,
    poll_after_ms: typeof after === 'number' && after > 0 ? after : null,
  };
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Return what is wrong with a body, or null.
 * @param {any} body
 */
function problemOf(body) {
  if (typeof body !== 'object' || body === null) return 'the body must be a JSON object';
  if (body.success === false) return 'success is false';
  if (!Array.isArray(body.messages)) return 'messages must be a list';
  const mayBeMissing = body.messages.length === 0;
  if (isTimestamp(body.next_since) || (mayBeMissing && body.next_since == null)) return null;
  return 'next_since must be a timestamp';
}

/**
 * Return the message, frozen because all listeners share it, or null if it is not one of this user's mailbox.
 * @param {any} message
 * @param {string} username
 * @returns {Readonly<Message> | null}
 */
export function asMessage(message, username) {
  const texts = [message?.id, message?.from, message?.to, message?.message];
  const isMessage = texts.every((text) => typeof text === 'string') && isTimestamp(message.timestamp);
  const isOurs = isMessage && message.id !== '' && message.to.normalize('NFC') === username;
  return isOurs ? Object.freeze(message) : null;
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isTimestamp(value) {
  return typeof value === 'string' && TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value));
}
