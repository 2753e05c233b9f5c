/**
 * Draws what the model holds. Elements are made when a task or an edge first comes into sight, kept, and taken out of the
 * document while it is out of sight; colours, words and figures change in place.
 */
import { optionAttributes, optionName } from "./a11y.js";
import { cut, svg, widthOf } from "./dom.js";
import { batonLine, drawn, pillPlace } from "./edges.js";
import { drawOverview } from "./overview.js";
import { barWidth, drawTask, fontsOf, rings } from "./shapes.js";
import { edgeLook, figureAt, progressAt } from "./states.js";

const PILL_MOST = 150;
const LOOKS = ["off", "plain", "taken", "live"]; // drawn in this order: what has happened lies above what has not

/** Width of a pill with this label, for the layout. */
export function pillWidth(label, fonts) {
  return Math.min(PILL_MOST, Math.ceil(widthOf(label, fonts.pill)) + 22);
}

/**
 * @param {SVGElement} scene the group that the viewport moves
 * @param {import("./model.js").Model} model
 * @param {import("./shapes.js").Fonts} fonts
 */
export function createView(scene, model, fonts) {
  const layers = Object.fromEntries(LOOKS.map((look) => [look, svg("g", { "aria-hidden": "true" })]));
  const pills = svg("g", { "aria-hidden": "true" });
  const overview = svg("g", { class: "overview", "aria-hidden": "true" });
  const tasks = svg("g", { class: "tasks", role: "listbox", "aria-label": "Tasks" });
  scene.append(overview, ...LOOKS.map((look) => layers[look]), pills, tasks);

  /** @type {Map<import("./types.js").Node, {g: SVGElement, figure: SVGElement|null, fill: SVGElement|null, halo: SVGElement}>} */
  const drawnTasks = new Map();
  /** @type {Map<import("./types.js").Edge, {g: SVGElement, pill: SVGElement|null, look: string}>} */
  const drawnEdges = new Map();
  const shown = { tasks: new Set(), edges: new Set() };
  let selected = null;

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
    part.g.setAttribute("class", `${node.disc ? "disc" : "node"}${node.state ? ` s-${node.state}` : ""}${node.mark ? ` m-${node.mark}` : ""}`);
    part.g.replaceChildren(...(node.disc ? [] : [part.focus]), ...(node.key === selected ? [part.halo] : []), ...children);
    Object.assign(part, { figure, fill });
    if (!node.disc) part.g.setAttribute("aria-label", optionName(node, model));
  }

  function edgePart(edge) {
    if (!drawnEdges.has(edge)) {
      const pill = edge.label ? drawPill(edge, fonts) : null;
      drawnEdges.set(edge, { g: svg("g", { class: "edge" }), pill, look: "" });
      paintEdge(edge, false);
    }
    return drawnEdges.get(edge);
  }

  function paintEdge(edge, moving) {
    const part = drawnEdges.get(edge);
    const look = edgeLook(edge);
    if (!part || part.look === look) return;
    part.look = look;
    const { line, head } = drawn(edge.points);
    const classes = { plain: "e", taken: "e e-taken", live: "e e-live", off: "e e-off" };
    const dashed = (edge.kind === "failure" ? " e-fail" : "") + (edge.mark ? ` e-${edge.mark}` : "");
    part.g.replaceChildren(svg("path", { class: classes[look] + dashed, d: line }), svg("path", { class: headClass(look) + (edge.mark ? ` e-${edge.mark}-head` : ""), d: head }));
    if (look === "live") part.g.append(baton(edge, moving));
    part.pill?.setAttribute("class", look === "off" ? "pill-off" : "pill-on");
    if (shown.edges.has(edge)) layers[look].append(part.g);
  }

  /** Puts these and only these into the document; tasks keep the order of reading. */
  function show(nodes, edges) {
    exchange(shown.edges, edges, (edge) => {
      const part = edgePart(edge);
      layers[part.look].append(part.g);
      if (part.pill) pills.append(part.pill);
    }, (edge) => {
      const part = drawnEdges.get(edge);
      part.g.remove();
      part.pill?.remove();
    });
    const coming = svg("g");
    exchange(shown.tasks, nodes, (node) => coming.append(taskPart(node).g), (node) => drawnTasks.get(node).g.remove());
    tasks.append(...coming.childNodes);
  }

  function select(key) {
    const before = selected;
    selected = key;
    for (const one of [before, key]) {
      const node = model.nodes.get(one);
      if (!node) continue;
      paintTask(node);
      drawnTasks.get(node)?.g.setAttribute("aria-selected", String(one === selected));
    }
  }

  return {
    tasks,
    show,
    select,
    element: (node) => taskPart(node).g,
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

export { fontsOf };
