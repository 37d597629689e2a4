// @ts-check
/**
 * Everything that the service needs of the world around it. A test brings its own; a page gets the browser's.
 *
 * @typedef {object} Environment
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {(run: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now milliseconds of a clock that never steps
 * @property {() => number} wallClock milliseconds since 1970: unlike `now`, it goes on while the machine sleeps
 * @property {() => number} random from 0 up to, not including, 1
 * @property {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null} storage where cursors survive a reload
 * @property {LockManager | null} locks
 * @property {((name: string) => BroadcastChannel) | null} channel
 * @property {EventTarget | null} window tells `online`, `pageshow`, `pagehide`
 * @property {(EventTarget & {hidden: boolean}) | null} document tells `visibilitychange`, `freeze`, `resume`
 * @property {Pick<Console, 'log' | 'warn' | 'error'>} console
 */

/**
 * Return what the browser offers. Functions are looked up when they are called, so a page may wrap them later.
 * @returns {Environment}
 */
export function browserEnvironment() {
  return {
    fetch: (url, init) => fetch(url, init),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    random: () => Math.random(),
    storage: localStorageIfAllowed(),
    // Browsers have locks in secure contexts only: https, and localhost.
    locks: globalThis.navigator?.locks ?? null,
    channel: globalThis.BroadcastChannel ? (name) => new BroadcastChannel(name) : null,
    window: globalThis.window ?? null,
    document: globalThis.document ?? null,
    console,
  };
}

/** Return `localStorage`, or null: where a user forbids it, naming it throws. */
function localStorageIfAllowed() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
