// @ts-check
/** Making elements. Text only ever becomes text: nothing here parses markup. */

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}.`);
  return found;
}

/**
 * Return a new element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Return a name that does not disturb the direction of the text around it. @param {string} name */
export const bdi = (name) => element("bdi", {}, name);

/** Dress an avatar: the first character, in one of eight colours. @param {Element} avatar @param {string} name */
export function dressAvatar(avatar, name) {
  let hash = 2166136261; // FNV-1a
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  avatar.textContent = [...name][0].toUpperCase();
  avatar.setAttribute("data-hue", String((hash >>> 8) % 8));
}

const timeOnly = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const otherYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** @param {Date} moment */
export const clockTime = (moment) => timeOnly.format(moment);

/** "Today", "Yesterday", or the date. @param {Date} moment */
export function dayName(moment, now = new Date()) {
  const midnight = (/** @type {Date} */ d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(moment)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (moment.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(moment);
}

/** @param {Date} moment @param {string} text */
export const timeElement = (moment, text) =>
  element("time", { datetime: moment.toISOString(), title: exact.format(moment) }, text);
