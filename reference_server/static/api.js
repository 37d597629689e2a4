// @ts-check
/** The server's API, as docs/contract.md says it. */

const TIMEOUT_MS = 10_000;
const USERS = "/api/users";

/** A request that was not answered 2xx. `status` is 0 if there was no answer at all. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {{outcome?: string, retryAfterMs?: number}} more */
  constructor(status, message, { outcome = "", retryAfterMs = 0 } = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** @param {string | null} token */
export function createApi(token) {
  const call = (/** @type {string} */ path, /** @type {object | undefined} */ body = undefined) =>
    request(path, token, body);
  return {
    register: (/** @type {string} */ username, /** @type {string} */ password) =>
      call("/register", { username, password }),
    signIn: (/** @type {string} */ username, /** @type {string} */ password) =>
      call("/login", { username, password }),
    send: (/** @type {string} */ to, /** @type {string} */ content, /** @type {string} */ id) =>
      call("/messages", { to_username: to, content, client_message_id: id }),
    /** The conversations, that with the newest message first. */
    conversations: () => call("/messages/conversations?limit=100"),
    conversation: (/** @type {string} */ other, /** @type {string | null} */ before = null, limit = 50) =>
      call(`/messages/conversation/${encodeURIComponent(other)}?limit=${limit}` +
           (before ? `&before=${encodeURIComponent(before)}` : "")),
  };
}

/**
 * @param {string} path @param {string | null} token @param {object | undefined} body
 * @returns {Promise<any>}
 */
async function request(path, token, body) {
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  let response, answer;
  try {
    response = await fetch(USERS + path, {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.json();
  } catch {
    if (!response || response.ok) throw new ApiError(0, "The server cannot be reached.");
  }
  if (response.ok) return answer;
  throw new ApiError(response.status, answer?.detail ?? `The server answered ${response.status}.`, {
    outcome: answer?.outcome,
    retryAfterMs: 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0,
  });
}

/** Return a new client_message_id. `crypto.randomUUID` would need https. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
