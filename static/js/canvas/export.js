/**
 * The drawing as a file: SVG that needs nothing from outside, and PNG made of it. All of it is drawn, not what is in sight.
 *
 * A page's styles do not travel with a picture: what they come to is worked out once for each kind of part and written
 * into one `<style>`; the icons it uses come along as symbols.
 */
import { svg, symbol } from "./dom.js";
import { createView, fontsOf } from "./view.js";

const ROOM = 32;
const SCALE = 2;
const MOST_SIDE = 16_384; // px: what browsers draw of a picture
const MOST_AREA = 67_108_864;
const LEAST_SCALE = 0.1; // below it nothing could be made out
const TOLD = 60; // tasks named in the description

/** What a picture needs of a style, and the value it has without one. */
const SHAPE = { fill: "#000000", "fill-opacity": "1", stroke: "none", "stroke-width": "1px", "stroke-dasharray": "none", "stroke-linecap": "butt", "stroke-linejoin": "miter", "stroke-opacity": "1", opacity: "1" };
const TEXT = { fill: "#000000", opacity: "1", "font-family": "", "font-size": "", "font-weight": "400", "letter-spacing": "normal", "text-anchor": "start", "text-decoration-line": "none", "font-variant-numeric": "normal" };
const KINDS = { path: SHAPE, rect: SHAPE, circle: SHAPE, text: TEXT, tspan: TEXT, svg: { color: "#000000" } };
const PAINTS = new Set(["fill", "stroke", "color"]);
const KEPT = new Set(["class", "transform", "x", "y", "dx", "dy", "d", "cx", "cy", "r", "rx", "ry", "width", "height", "href"]);

/**
 * @typedef {object} PictureOptions
 * @property {string} [title] what the drawing shows
 * @property {"light"|"dark"|""} [theme] that of the page when left out
 *
 * The drawing as the text of an SVG file.
 * @param {import("./model.js").Model} model
 * @param {PictureOptions} [options]
 * @returns {Promise<{text: string, width: number, height: number}>}
 */
export async function svgOf(model, { title = "Workflow", theme = "" } = {}) {
  const stage = setStage(theme);
  try {
    const scene = svg("g");
    stage.append(svg("svg", {}, scene));
    const view = createView(scene, model, fontsOf(document.body));
    view.show(new Set(model.nodes.values()), new Set(model.edges));
    nameTasks(scene, model);
    const styles = freeze(scene);
    const icons = await iconsOf(scene);
    return written(scene, { model, title, styles, icons, ground: solid(getComputedStyle(stage).backgroundColor) });
  } finally {
    stage.remove();
  }
}

/**
 * The drawing as a picture of points, twice its size where browsers can draw that; otherwise smaller, and `said` says so.
 * @param {import("./model.js").Model} model
 * @param {PictureOptions} [options]
 * @returns {Promise<{blob: Blob, width: number, height: number, said: string}>}
 */
export async function pngOf(model, options) {
  const drawing = await svgOf(model, options);
  const scale = Math.min(SCALE, MOST_SIDE / Math.max(drawing.width, drawing.height), Math.sqrt(MOST_AREA / (drawing.width * drawing.height)));
  if (scale < LEAST_SCALE) throw new Error("This drawing is too large for a PNG. Save it as SVG: that has no size.");
  const [width, height] = [Math.floor(drawing.width * scale), Math.floor(drawing.height * scale)];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(await pictureOf(drawing.text), 0, 0, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("The browser has no room for a PNG of this size. Save it as SVG.");
  const said = scale < SCALE ? `Saved at ${Math.round(scale * 100)} % of its size: browsers draw no larger picture. The SVG has all of it.` : "";
  return { blob, width, height, said };
}

/**
 * Draws it and hands it to the browser as a file to keep.
 * @param {{model: import("./model.js").Model}} canvas what mountCanvas gave
 * @param {string} name of the file, without its ending
 * @param {"svg"|"png"} kind
 * @param {string} [title] what the drawing shows
 * @returns {Promise<string>} what there is to say about it, '' when it is as it should be
 */
export async function savePicture(canvas, name, kind, title = name) {
  if (kind === "png") {
    const { blob, said } = await pngOf(canvas.model, { title });
    keep(blob, name, kind);
    return said;
  }
  const { text } = await svgOf(canvas.model, { title });
  keep(new Blob([text], { type: "image/svg+xml" }), name, kind);
  return "";
}

function keep(blob, name, kind) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: `${name}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // browsers take it in their own time
}

async function pictureOf(text) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  try {
    await image.decode();
  } catch {
    throw new Error("The browser cannot draw a picture of this size. Save it as SVG.");
  }
  return image;
}

/** A block of the page in which styles hold and nothing is to be seen. */
function setStage(theme) {
  const stage = document.createElement("div");
  stage.className = "canvas";
  stage.hidden = true;
  if (theme) stage.dataset.theme = theme;
  document.body.append(stage);
  return stage;
}

/** Each task carries its full name, however it is cut on the drawing. */
function nameTasks(scene, model) {
  for (const part of scene.querySelectorAll("[data-key]")) {
    for (const inner of part.querySelectorAll("title")) inner.remove();
    part.prepend(svg("title", {}, model.nodes.get(part.dataset.key)?.name ?? ""));
  }
}

/**
 * Puts a class of its own on each kind of part, leaves out what is not shown, and takes off what only a page needs.
 * @returns {string} the rules of these classes
 */
function freeze(scene) {
  const known = new Map();
  const names = new Map();
  // All is looked up before anything is changed: after each change a browser would work out the styles anew.
  const parts = [...scene.querySelectorAll("*")].map((part) => {
    const sort = sortOf(part);
    if (!known.has(sort)) known.set(sort, declarations(part));
    return [part, known.get(sort)];
  });
  for (const [part, rules] of parts) {
    if (rules === null) part.remove();
    else strip(part, rules && nameOf(rules, names));
  }
  return [...names].map(([rules, name]) => `.${name}{${rules}}`).join("\n");
}

function nameOf(rules, names) {
  if (!names.has(rules)) names.set(rules, `k${names.size}`);
  return names.get(rules);
}

/** Parts of the same tag under the same classes look the same. */
function sortOf(part) {
  const classes = [];
  for (let at = part; at.localName !== "svg" || at.parentElement?.closest("svg"); at = at.parentElement) {
    classes.push(at.getAttribute("class") ?? "");
  }
  return `${part.localName} ${classes.join(" < ")}`;
}

/** What its styles come to; '' for nothing, null for a part that is not shown. */
function declarations(part) {
  const style = getComputedStyle(part);
  if (style.display === "none") return null;
  const wanted = KINDS[part.localName];
  if (!wanted) return "";
  const found = [];
  for (const [name, usual] of Object.entries(wanted)) {
    const value = PAINTS.has(name) ? solid(style.getPropertyValue(name)) : style.getPropertyValue(name);
    if (value && value !== usual) found.push(`${name === "text-decoration-line" ? "text-decoration" : name}:${value}`);
  }
  return found.join(";");
}

function strip(part, name) {
  for (const { name: attribute } of [...part.attributes]) if (!KEPT.has(attribute)) part.removeAttribute(attribute);
  if (name) part.setAttribute("class", name);
  else part.removeAttribute("class");
}

const colours = new Map();
let pen = null;

/** Any colour of CSS as every program reads it: #rrggbb, with its alpha where it has one. */
function solid(colour) {
  if (!colour || colour === "none") return colour;
  if (!colours.has(colour)) {
    pen ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    const share = Math.round(alpha / 2.55) / 100;
    const hex = [red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("");
    colours.set(colour, alpha === 255 ? `#${hex}` : `rgba(${red},${green},${blue},${share})`);
  }
  return colours.get(colour);
}

/** The symbols that the drawing uses, out of the sprite of the page; its references lead to them. */
async function iconsOf(scene) {
  const wanted = new Set();
  for (const use of scene.querySelectorAll("use")) {
    const id = use.getAttribute("href").split("#")[1];
    wanted.add(id);
    use.setAttribute("href", `#${id}`);
  }
  if (!wanted.size) return [];
  const reply = await fetch(symbol("").slice(0, -1));
  if (!reply.ok) throw new Error("The icons could not be loaded. Check the connection and try again.");
  const sprite = new DOMParser().parseFromString(await reply.text(), "image/svg+xml");
  return [...sprite.querySelectorAll("symbol")].filter((one) => wanted.has(one.id));
}

function written(scene, { model, title, styles, icons, ground }) {
  const { x, y, w, h } = model.bounds;
  const box = { x: Math.floor(x - ROOM), y: Math.floor(y - ROOM), w: Math.ceil(w + 2 * ROOM), h: Math.ceil(h + 2 * ROOM) };
  const root = svg("svg", { width: box.w, height: box.h, viewBox: `${box.x} ${box.y} ${box.w} ${box.h}`, role: "img", "aria-labelledby": "drawing-title drawing-text" });
  root.append(
    svg("title", { id: "drawing-title" }, printable(title)),
    svg("desc", { id: "drawing-text" }, printable(described(model))),
    svg("style", {}, styles),
    svg("defs", {}, ...icons.map((one) => document.importNode(one, true))),
    svg("rect", { x: box.x, y: box.y, width: box.w, height: box.h, fill: ground }),
    scene,
  );
  for (const part of scene.querySelectorAll("text, title")) clean(part);
  const text = new XMLSerializer().serializeToString(root);
  return { text: `<?xml version="1.0" encoding="UTF-8"?>\n${text}\n`, width: box.w, height: box.h };
}

function clean(part) {
  for (const node of part.childNodes) if (node.nodeType === Node.TEXT_NODE) node.data = printable(node.data);
}

/** XML has no place for control characters, however they are written. */
function printable(text) {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** The drawing in words, for who cannot see it. */
function described(model) {
  const tasks = model.order.map((key) => model.nodes.get(key));
  const lines = tasks.slice(0, TOLD).map((node) => {
    const next = node.out.filter((edge) => !edge.to.disc).map((edge) => edge.to.name);
    return `${node.name}${node.note ? ` (${node.note})` : ""}${next.length ? ` leads to ${next.join(", ")}` : ""}.`;
  });
  const more = tasks.length > TOLD ? ` And ${tasks.length - TOLD} more.` : "";
  return `${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}. ${lines.join(" ")}${more}`;
}
