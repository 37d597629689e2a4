/** The types of the polling client, for editors and `tsc --checkJs`. No browser loads this file. */

export type Token = string | null;

export interface Settings {
  /** What comes before `/api/users/…`. */
  baseUrl: string;
  /** Asked for before each poll, so that a new one is used at once. */
  token: Token | ((username: string) => Token | Promise<Token>);
  intervalMs: number;
  /** Messages a page. */
  limit: number;
  /** Seconds for which the server may hold a poll open. */
  wait: number;
  /** The same while the page is hidden and its timers are slow. */
  hiddenWait: number;
  /** For a poll, beside the time for which it may be held. */
  timeoutMs: number;
}

export type Options = Partial<Settings> & { environment?: Partial<Environment> };

export interface Message {
  id: string;
  from: string;
  to: string;
  message: string;
  /** ISO 8601. */
  timestamp: string;
  seq?: number;
  client_message_id?: string | null;
}

/** A checked answer to a poll. Its messages are checked one by one. */
export interface Answer {
  messages: unknown[];
  next_since: string | null;
  has_more?: boolean;
  gap?: boolean;
  degraded?: boolean;
  poll_after_ms?: unknown;
}

/** `refused` is any 4xx without a kind of its own. */
export type ErrorKind =
  | "timeout"
  | "server_error"
  | "service_unavailable"
  | "unauthorised"
  | "too_many_requests"
  | "network"
  | "invalid_answer"
  | "refused";

export type News =
  | { type: "starting" | "gap" }
  | { type: "polling"; degraded: boolean; leading: boolean }
  | { type: "error"; kind: ErrorKind; status: number | null; message: string; retryInMs: number | null }
  | { type: "stopped"; reason: "stopped" | "unauthorised" };

export type State = News & { username: string };

export type MessageListener = (message: Readonly<Message>) => unknown;
export type StateListener = (state: State) => unknown;

/** The default of an option, what it may be, and the same in words. */
export type Rule<Value> = [Value, (value: any) => boolean, string];

/** What a poller tells the service. */
export interface Listener {
  onMessage(message: Readonly<Message>, isWanted: () => boolean): void;
  onState(state: State): void;
}

/** What the client needs of the world. A page gets the browser's, a test brings fakes. */
export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: any): void;
  /** Milliseconds of a clock that never steps. */
  now(): number;
  /** Milliseconds since 1970, also those in which the machine slept. */
  wallClock(): number;
  /** From 0 to 1. */
  random(): number;
  /** For the cursors. */
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  locks: LockManager | null;
  channel: ((name: string) => BroadcastChannel) | null;
  window: EventTarget | null;
  document: (EventTarget & { hidden: boolean }) | null;
  console: Pick<Console, "log" | "warn" | "error">;
}
