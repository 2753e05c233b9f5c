/** What appears beside what is pointed at or chosen: the `+` on an edge, and the bar of tools over a selected step. */
import { svg } from "../canvas/dom.js";
import { isFolded } from "./gestures.js";

const GAP = 6;

/** The `+` on the edge under the pointer, or on the chosen one. @param {Surface} surface */
export function createPlus(surface) {
  const plus = svg("g", { class: "plus-g", "data-plus": "" }, svg("circle", { class: "port-hit", r: 16 }), svg("circle", { class: "plus", r: 12.5 }), svg("path", { class: "plus-t", d: "M-5 0h10M0 -5v10" }));
  let edge = null;
  const show = (next) => {
    edge = next && !next.from.disc && !isFolded(next) ? next : null;
    if (!edge) return plus.remove();
    const at = middleOf(edge);
    plus.setAttribute("transform", `translate(${at.x} ${at.y})`);
    surface.view.front.append(plus);
  };
  const frame = surface.stage.frame;
  frame.addEventListener("pointerover", (event) => {
    if (event.target.closest("[data-plus]")) return;
    const id = event.target.closest("[data-edge]")?.dataset.edge;
    show(id ? surface.model.edges.find((one) => one.id === id) : surface.edge());
  });
  return { edge: () => edge, show: () => show(surface.edge()) };
}

/** The middle of the longest stretch that carries no pill. */
function middleOf({ points, label }) {
  const stretches = points.slice(1).map((point, i) => ({ from: points[i], to: point, length: Math.abs(point.x - points[i].x) + Math.abs(point.y - points[i].y) }));
  const free = label && stretches.length > 1 ? stretches.slice(0, -1) : stretches;
  const longest = free.reduce((best, one) => (one.length > best.length ? one : best));
  return { x: (longest.from.x + longest.to.x) / 2, y: (longest.from.y + longest.to.y) / 2 };
}

/**
 * The bar of tools: above the one selected step, or above all that are selected.
 * @param {HTMLElement} bar
 * @param {Surface} surface
 */
export function createBar(bar, surface) {
  let box = null;
  let size = { w: 0, h: 0 };
  /** Whether it would lie over another step. */
  const covers = (left, top) => {
    const { view } = surface.viewport;
    const points = [[left, top], [left + size.w, top], [left, top + size.h], [left + size.w, top + size.h]];
    return points.some(([x, y]) => surface.sight.at({ x: (x - view.x) / view.k, y: (y - view.y) / view.k }));
  };
  const place = () => {
    if (!box) return;
    const { view } = surface.viewport;
    const [x, y, w, h] = [box.x * view.k + view.x, box.y * view.k + view.y, box.w * view.k, box.h * view.k];
    const host = bar.parentElement;
    const middle = x + (w - size.w) / 2;
    const within = ([at, to]) => [Math.max(4, Math.min(at, host.clientWidth - size.w - 4)), to];
    const places = [[middle, y - size.h - GAP], [middle, y + h + GAP], [x + w + GAP, y], [x - size.w - GAP, y]].map(within);
    const [left, top] = places.find(([at, to]) => to > 4 && !covers(at, to)) ?? places[0];
    bar.style.left = `${left}px`;
    bar.style.top = `${Math.max(4, Math.min(top, host.clientHeight - size.h - 4))}px`;
  };
  surface.onView(place);
  return {
    update() {
      const nodes = surface.chosen();
      const decor = [...surface.selection()].map((key) => surface.decor.box(key)).filter(Boolean);
      const boxes = [...nodes, ...decor];
      bar.hidden = boxes.length === 0;
      if (bar.hidden) return;
      const [x, y] = [Math.min(...boxes.map((one) => one.x)), Math.min(...boxes.map((one) => one.y))];
      box = { x, y, w: Math.max(...boxes.map((one) => one.x + one.w)) - x, h: Math.max(...boxes.map((one) => one.y + one.h)) - y };
      for (const button of bar.querySelectorAll("[data-for]")) {
        const kinds = button.dataset.for.split(" ");
        const fits = kinds.includes(nodes.length === 1 && !decor.length ? "one" : nodes.length ? "many" : "decor");
        button.hidden = !fits || (button.dataset.icon !== undefined && nodes[0].icon !== button.dataset.icon);
      }
      size = { w: bar.offsetWidth, h: bar.offsetHeight }; // asked once: asking while panning would lay out the page each frame
      place();
    },
  };
}
