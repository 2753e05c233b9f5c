/**
 * Draws what the model holds. Elements are made when a task or an edge first comes into sight, kept, and taken out of the
 * document while it is out of sight; colours, words and figures change in place.
 */
import { optionAttributes, optionName } from "./a11y.js";
import { cut, svg, widthOf } from "./dom.js";
import { batonLine, drawn, pillPlace } from "./edges.js";
import { barWidth, drawTask, fontsOf, MARKS, portsOf, rings } from "./shapes.js";
import { edgeLook, figureAt, progressAt, STATES } from "./states.js";

const PILL_MOST = 150;
export const OVERVIEW_FROM = 1500;
const PIECE = 100;
const LOOKS = ["off", "plain", "taken", "live", "sel"]; // drawn in this order: what has happened lies above what has not
const CLASSES = { plain: "e", taken: "e e-taken", live: "e e-live", off: "e e-off", sel: "e e-sel" };

/** Width of a pill with this label, for the layout. */
export function pillWidth(label, fonts) {
  return Math.min(PILL_MOST, Math.ceil(widthOf(label, fonts.pill)) + 22);
}

/**
 * @param {SVGElement} scene the group that the viewport moves
 * @param {import("./model.js").Model} model
 * @param {import("./shapes.js").Fonts} fonts
 * @param {{editing?: boolean}} [options] `editing` draws ports and lets edges be hit
 */
export function createView(scene, model, fonts, { editing = false } = {}) {
  const back = svg("g", { "aria-hidden": "true" });
  const layers = Object.fromEntries(LOOKS.map((look) => [look, svg("g", { "aria-hidden": "true" })]));
  const pills = svg("g", { "aria-hidden": "true" });
  const overview = svg("g", { class: "overview", "aria-hidden": "true" });
  const tasks = svg("g", { class: "tasks", role: "listbox", "aria-label": "Tasks", "aria-multiselectable": editing ? "true" : null });
  const front = svg("g", { "aria-hidden": "true" });
  scene.append(back, overview, ...LOOKS.map((look) => layers[look]), pills, tasks, front);

  /** @type {Map<import("./types.js").Node, {g: SVGElement, figure: SVGElement|null, fill: SVGElement|null, halo: SVGElement}>} */
  const drawnTasks = new Map();
  /** @type {Map<import("./types.js").Edge, {g: SVGElement, pill: SVGElement|null, look: string}>} */
  const drawnEdges = new Map();
  const shown = { tasks: new Set(), edges: new Set() };
  let selected = new Set();
  let chosenEdge = null;

  function taskPart(node) {
    if (!drawnTasks.has(node)) {
      const g = svg("g", { transform: `translate(${node.x} ${node.y})`, ...optionAttributes(node, model) });
      drawnTasks.set(node, { g, figure: null, fill: null, ...rings(node) });
      paintTask(node);
    }
    return drawnTasks.get(node);
  }

  function paintTask(node) {
    const part = drawnTasks.get(node);
    if (!part) return;
    const { children, figure, fill } = drawTask(node, fonts, Date.now());
    const on = selected.has(node.key);
    part.g.setAttribute("class", `${node.disc ? "disc" : "node"}${node.state ? ` s-${node.state}` : ""}${node.mark ? ` m-${node.mark}` : ""}${on ? " is-selected" : ""}`);
    part.g.replaceChildren(...(node.disc ? [] : [part.focus]), ...(on ? [part.halo] : []), ...children, ...(editing ? portsOf(node) : []));
    Object.assign(part, { figure, fill });
    if (!node.disc) describe(node, part, on);
  }

  function describe(node, part, on) {
    for (const [name, value] of Object.entries(optionAttributes(node, model))) if (name !== "tabindex") part.g.setAttribute(name, value);
    part.g.setAttribute("aria-selected", String(on));
    part.g.setAttribute("aria-label", optionName(node, model));
  }

  function edgePart(edge) {
    if (!drawnEdges.has(edge)) {
      const pill = edge.label ? drawPill(edge, fonts) : null;
      drawnEdges.set(edge, { g: svg("g", { class: "edge", "data-edge": editing ? edge.id : null }), pill, look: "" });
      paintEdge(edge, false);
    }
    return drawnEdges.get(edge);
  }

  function paintEdge(edge, moving, anew = false) {
    const part = drawnEdges.get(edge);
    const look = edge === chosenEdge ? "sel" : edgeLook(edge);
    if (!part || (part.look === look && !anew)) return;
    part.look = look;
    const { line, head } = drawn(edge.points);
    const [failure, mark] = [edge.kind === "failure" ? " e-fail" : "", edge.mark ? ` e-${edge.mark}` : ""];
    part.g.replaceChildren(svg("path", { class: CLASSES[look] + failure + mark, d: line }), svg("path", { class: headClass(look) + (mark && `${mark}-head`), d: head }));
    if (editing) part.g.append(svg("path", { class: "e-hit", d: line }));
    if (look === "live") part.g.append(baton(edge, moving));
    part.pill?.setAttribute("class", look === "off" ? "pill-off" : "pill-on");
    if (shown.edges.has(edge)) layers[look].append(part.g);
  }

  function reroute(edge) {
    const part = drawnEdges.get(edge);
    if (!part) return;
    if (part.pill) {
      const fresh = drawPill(edge, fonts);
      if (shown.edges.has(edge)) part.pill.replaceWith(fresh);
      part.pill = fresh;
    }
    paintEdge(edge, false, true);
  }

  /** Puts these and only these into the document; tasks keep the order of reading. */
  function show(nodes, edges) {
    exchange(shown.edges, edges, (edge) => {
      const part = edgePart(edge);
      layers[part.look].append(part.g);
      if (part.pill) pills.append(part.pill);
    }, dropEdge);
    const coming = svg("g");
    exchange(shown.tasks, nodes, (node) => coming.append(taskPart(node).g), (node) => drawnTasks.get(node)?.g.remove());
    tasks.append(...coming.childNodes);
  }

  function dropEdge(edge) {
    const part = drawnEdges.get(edge);
    part?.g.remove();
    part?.pill?.remove();
  }

  /** @param {Iterable<string>} keys */
  function select(keys) {
    const before = selected;
    selected = new Set(keys);
    for (const key of new Set([...before, ...selected])) {
      const node = model.nodes.get(key);
      if (node && before.has(key) !== selected.has(key)) paintTask(node);
    }
  }

  return {
    tasks,
    back,
    front,
    show,
    select,
    chooseEdge(edge) {
      const before = chosenEdge;
      chosenEdge = edge;
      for (const one of [before, edge]) if (one) paintEdge(one, false);
    },
    element: (node) => taskPart(node).g,
    edgeElement: (edge) => drawnEdges.get(edge)?.g ?? null,
    /** Carries a change of the model over to what is drawn; `show` brings what is new. */
    sync(change) {
      for (const node of change.removed) forget(drawnTasks, shown.tasks, node, (part) => part.g.remove());
      for (const edge of change.goneEdges) {
        dropEdge(edge);
        forget(drawnEdges, shown.edges, edge, () => {});
      }
      for (const node of change.moved) this.place(node);
      for (const node of change.painted) paintTask(node);
      for (const edge of change.routed) if (!change.newEdges.has(edge)) reroute(edge);
      for (const node of shown.tasks) if (!node.disc && drawnTasks.has(node)) describe(node, drawnTasks.get(node), selected.has(node.key));
    },
    place: (node) => drawnTasks.get(node)?.g.setAttribute("transform", `translate(${node.x} ${node.y})`),
    reroute,
    /** Repaints what an update touched; `moving` lets the baton slide. */
    repaint(changed) {
      for (const node of changed.nodes) paintTask(node);
      for (const edge of changed.edges) paintEdge(edge, true);
    },
    /** Figures and bars of what is in sight move on; nothing else is touched. */
    tick(now) {
      for (const node of shown.tasks) {
        const part = drawnTasks.get(node);
        if (part.figure && (node.since || node.until)) part.figure.textContent = cut(figureAt(node, now), 84, fonts.sub);
        if (part.fill) part.fill.setAttribute("width", String(barWidth(progressAt(node, now) ?? 0)));
      }
    },
    /** Far out, over many tasks, a handful of paths stands for all of them; null hides it. */
    overview: (on) => (on ? drawOverview(overview, model) : overview.replaceChildren()),
  };
}

function forget(parts, shown, thing, remove) {
  if (parts.has(thing)) remove(parts.get(thing));
  parts.delete(thing);
  shown.delete(thing);
}

function exchange(shown, wanted, add, remove) {
  for (const thing of shown) {
    if (wanted.has(thing)) continue;
    remove(thing);
    shown.delete(thing);
  }
  for (const thing of wanted) {
    if (shown.has(thing)) continue;
    shown.add(thing);
    add(thing);
  }
}

function headClass(look) {
  return look === "plain" ? "e-head" : `e-${look}-head`;
}

function baton(edge, moving) {
  const held = svg("path", { class: "baton", d: batonLine(edge.points) });
  if (moving && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const slide = [{ transform: "translateX(-22px)", opacity: 0 }, { transform: "none", opacity: 1 }];
    held.animate(slide, { duration: 240, easing: "cubic-bezier(.2, 0, 0, 1)" });
  }
  return held;
}

function drawPill(edge, fonts) {
  const width = pillWidth(edge.label, fonts);
  const { x, y } = pillPlace(edge.points);
  const shown = cut(edge.label, width - 20, fonts.pill);
  const g = svg("g", { class: "pill-on" });
  if (shown !== edge.label) g.append(svg("title", {}, edge.label));
  g.append(
    svg("rect", { class: "pill", x: x - width / 2, y: y - 11, width, height: 22, rx: 11 }),
    svg("text", { class: "pill-t", x, y: y + 4.2 }, shown),
  );
  return g;
}

/**
 * Thousands of tasks seen from afar: one path for each state and one for all edges, instead of thousands of elements.
 * @param {SVGElement} layer
 * @param {import("./model.js").Model} model
 */
function drawOverview(layer, model) {
  const looks = ["", ...STATES.map((state) => ` s-${state}`), ...Object.keys(MARKS).map((mark) => ` m-${mark}`)];
  const boxes = new Map(looks.map((look) => [look, []]));
  for (const node of model.nodes.values()) boxes.get(lookOf(node)).push(`M${node.x} ${node.y}h${node.w}v${node.h}h${-node.w}z`);
  const lines = model.edges.map((edge) => `M${edge.points.map((point) => `${point.x} ${point.y}`).join("L")}`);
  const paths = inPieces("ov-e", lines);
  for (const [look, parts] of boxes) paths.push(...inPieces(`ov-n${look}`, parts));
  layer.replaceChildren(...paths);
}

/** Tasks come in the order of their columns: a piece covers a strip, and is left out when another strip is painted. */
function inPieces(look, parts) {
  const paths = [];
  for (let i = 0; i < parts.length; i += PIECE) paths.push(svg("path", { class: look, d: parts.slice(i, i + PIECE).join("") }));
  return paths;
}

function lookOf(node) {
  if (node.mark) return ` m-${node.mark}`;
  return node.state ? ` s-${node.state}` : "";
}

export { fontsOf };

/** Figures that count move on each second. @param {View} view */
export function startClock(view) {
  let paused = false;
  const timer = setInterval(() => {
    if (!paused && !document.hidden) view.tick(Date.now());
  }, 1000);
  return {
    pause: (on) => {
      paused = on;
    },
    stop: () => clearInterval(timer),
  };
}
