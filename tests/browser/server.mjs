// A server in memory that answers polls as the contract says, or as a test tells it to.

const FIRST = Date.UTC(2026, 0, 1, 12);

export class Server {
  /** Answers to give before normal ones: functions of the request, or values. */
  script = [];
  latencyMs = 0;
  pollAfterMs = undefined;
  holdsPolls = true;
  requests = [];
  mostInFlight = 0;
  #world;
  #mailboxes = new Map();
  #wakeUps = new Set();
  #open = new Set();

  constructor(world) {
    this.#world = world;
  }

  /** Put a message into a mailbox. */
  send(to, text, from = "alice") {
    const mailbox = this.mailbox(to);
    const seq = mailbox.length + 1;
    const timestamp = new Date(FIRST + seq).toISOString().replace("Z", "000Z");
    mailbox.push({ id: `${to}-${seq}`, seq, from, to, message: text, timestamp, client_message_id: null });
    for (const wakeUp of this.#wakeUps) wakeUp();
  }

  mailbox(username) {
    if (!this.#mailboxes.has(username)) this.#mailboxes.set(username, []);
    return this.#mailboxes.get(username);
  }

  get fetch() {
    return (url, init) => this.#fetch(new URL(url, "http://server"), init);
  }

  get inFlight() {
    return this.#open.size;
  }

  /** When each poll began. */
  get startedAt() {
    return this.requests.map((request) => request.at);
  }

  async #fetch(url, init) {
    const request = asRequest(url, init, this.#world.nowMs);
    this.requests.push(request);
    this.#open.add(request);
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    // A browser ends the request when it is aborted, before the promise says so.
    init.signal.addEventListener("abort", () => this.#open.delete(request));
    try {
      return await unlessAborted(init.signal, this.#answer(request));
    } finally {
      this.#open.delete(request);
    }
  }

  async #answer(request) {
    if (this.latencyMs) await this.after(this.latencyMs);
    const scripted = this.script.shift();
    const answer = typeof scripted === "function" ? await scripted(request) : scripted;
    if (answer instanceof Error) throw answer;
    if (answer !== undefined) return asResponse(answer);
    if (request.wait && this.holdsPolls) await this.#hold(request);
    return asResponse({ body: this.page(request) });
  }

  /** A promise for some time later. */
  after(ms) {
    return new Promise((resolve) => this.#world.setTimeout(resolve, ms));
  }

  async #hold(request) {
    if (this.page(request).count) return;
    await new Promise((resolve) => {
      const timer = this.#world.setTimeout(resolve, request.wait * 1000);
      const wakeUp = () => this.page(request).count && (this.#world.clearTimeout(timer), resolve());
      this.#wakeUps.add(wakeUp);
    });
  }

  /** The page that the contract wants. */
  page({ username, since, limit }) {
    const waiting = this.mailbox(username).filter((message) => since === null || message.timestamp > since);
    const messages = waiting.slice(0, limit);
    return {
      messages,
      count: messages.length,
      has_more: waiting.length > limit,
      next_since: messages.at(-1)?.timestamp ?? since,
      gap: false,
      source: "redis",
      degraded: false,
      poll_after_ms: this.pollAfterMs,
      success: true,
    };
  }
}

function asRequest(url, init, at) {
  const value = (name) => url.searchParams.get(name);
  const username = decodeURIComponent(url.pathname.split("/").at(-1));
  const [since, limit, wait] = [value("since"), Number(value("limit")), Number(value("wait") ?? 0)];
  return { url: url.pathname, username, since, limit, wait, at, headers: init.headers, signal: init.signal };
}

/** A real Response reads its body through a stream, which takes more than microtasks. */
function asResponse({ status = 200, body, text = JSON.stringify(body ?? {}), headers = {} }) {
  return { status, headers: new Headers(headers), text: async () => text };
}

function unlessAborted(signal, promise) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DOMException("aborted", "AbortError"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject);
  });
}
