/** The only ways in which the canvas touches the document: elements are created, never parsed from text. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An SVG element. A value of null or false leaves the attribute out.
 * @param {string} tag
 * @param {Record<string, string|number|boolean|null|undefined>} [attributes]
 * @param {...(Node|string|null)} children strings become text
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A rectangle takes this place. @param {SVGElement} rect @param {import("./types.js").Box} box */
export function cover(rect, { x, y, w, h }) {
  for (const [name, value] of Object.entries({ x, y, width: w, height: h })) rect.setAttribute(name, String(value));
}

let sprite = null;

/** Address of a symbol in the sprite; the page names the sprite, whose file name carries a hash. */
export function symbol(id) {
  sprite ??= document.querySelector('meta[name="baton-icons"]')?.getAttribute("content") ?? "/static/icons.svg";
  return `${sprite}#${id}`;
}

/**
 * A symbol of the sprite as a nested drawing.
 * @param {string} id
 * @param {string} className
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
export function icon(id, className, x, y, size) {
  return svg("svg", { class: className, x, y, width: size, height: size }, svg("use", { href: symbol(id) }));
}

const pens = new Map();
const widths = new Map();

export function widthOf(text, font) {
  const name = `${font}\n${text}`;
  if (!widths.has(name)) {
    if (!pens.has(font)) {
      const pen = document.createElement("canvas").getContext("2d");
      pen.font = font;
      pens.set(font, pen);
    }
    widths.set(name, pens.get(font).measureText(text).width);
  }
  return widths.get(name);
}

/**
 * The text, cut with an ellipsis where it would be wider than it may.
 * @param {string} text
 * @param {number} room in px
 * @param {string} font as in CSS
 */
export function cut(text, room, font) {
  if (widthOf(text, font) <= room) return text;
  const letters = [...text];
  let low = 0;
  let high = letters.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (widthOf(`${letters.slice(0, middle).join("").trimEnd()}…`, font) <= room) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join("").trimEnd()}…`;
}

/**
 * The text in two lines, broken between words; null when its first word alone is wider than a line.
 * @param {string} text
 * @param {number} room in px, of each line
 * @param {string} font as in CSS
 * @returns {[string, string]|null}
 */
export function twoLines(text, room, font) {
  const words = text.split(/\s+/).filter(Boolean);
  let count = words.length - 1;
  while (count > 0 && widthOf(words.slice(0, count).join(" "), font) > room) count -= 1;
  if (count < 1) return null;
  return [words.slice(0, count).join(" "), cutName(words.slice(count).join(" "), room, font)];
}

/**
 * A name that is too long loses its middle when its last word is short: "Process par… 2" stays apart from "Process par… 3".
 * @param {string} name
 * @param {number} room in px
 * @param {string} font as in CSS
 */
export function cutName(name, room, font) {
  if (widthOf(name, font) <= room) return name;
  const tail = name.match(/\s\S{1,3}$/)?.[0] ?? "";
  const front = room - widthOf(tail, font);
  if (!tail || front < 60) return cut(name, room, font);
  return cut(`${name.slice(0, -tail.length)}…`, front, font) + tail;
}
