// @ts-check
/** Small drawn signs: a state is told by its words and its shape, never by colour alone. */

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} */
const PATHS = {
  sending: "M8 2.5a5.5 5.5 0 1 0 5.5 5.5 M8 5v3l2 1.5",
  sent: "m3 8.5 3.2 3.2L13 5",
  late: "M4 2.5h8 M4 13.5h8 M5 2.5c0 3 6 4.5 6 8v3 M11 2.5c0 3-6 4.5-6 8v3",
  failed: "M8 2.5 14.5 13.5h-13z M8 6.5v3.2 M8 11.7v.1",
  unconfirmed: "M8 1.8a6.2 6.2 0 1 0 .01 0z M6.3 6.3a1.7 1.7 0 1 1 2.6 1.5c-.6.3-.9.6-.9 1.2 M8 11.3v.1",
  connecting: "M8 2.5a5.5 5.5 0 1 0 5.5 5.5",
  ok: "m3 8.5 3.2 3.2L13 5",
  degraded: "M8 2.5a5.5 5.5 0 1 0 0 11 M8 2.5a5.5 5.5 0 0 1 0 11z",
  away: "M8 2.5a5.5 5.5 0 1 0 .01 0z M4.2 4.2l7.6 7.6",
  gap: "M2 3.5h12 M2 8h3 M11 8h3 M2 12.5h12",
};

/** Return the sign of a state. @param {string} state */
export function sign(state) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "sign");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[state]);
  svg.append(path);
  return svg;
}
