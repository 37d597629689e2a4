// @ts-check
/**
 * What the page remembers of its user: in this tab alone (`sessionStorage`), so that a reload goes on where it
 * was, another site or tab sees nothing, and closing the tab forgets it. Where storage is forbidden or full, the
 * page goes on in memory.
 */

const PREFIX = "chat:";
/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} key */
function getItem(key) {
  const kept = memory.get(key);
  if (kept !== undefined) return kept;
  try {
    return sessionStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} value */
function setItem(key, value) {
  try {
    sessionStorage.setItem(PREFIX + key, value);
    memory.delete(key);
  } catch {
    memory.set(key, value); // it is newer than what the storage may still have
  }
}

/** @param {string} key */
function removeItem(key) {
  memory.delete(key);
  try {
    sessionStorage.removeItem(PREFIX + key);
  } catch {
    // forbidden: then nothing is kept there either
  }
}

/** Forget everything of the user. */
function clear() {
  memory.clear();
  try {
    const keys = Array.from({ length: sessionStorage.length }, (_, index) => sessionStorage.key(index) ?? "");
    for (const key of keys) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // as above
  }
}

/** Return a kept value, or `otherwise` if there is none that can be read. @param {string} key @param {any} otherwise */
function getJson(key, otherwise) {
  try {
    return JSON.parse(getItem(key) ?? "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** @param {string} key @param {unknown} value */
const setJson = (key, value) => setItem(key, JSON.stringify(value));

export const tabStorage = { getItem, setItem, removeItem, clear, getJson, setJson };
