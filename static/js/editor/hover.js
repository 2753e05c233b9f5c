/** What appears beside what is pointed at or chosen: the `+` on an edge, and the bar of tools over a selected step. */
import { svg } from "../canvas/dom.js";
import { isFolded } from "./gestures.js";

const GAP = 12;

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
  const place = () => {
    if (!box) return;
    const { view } = surface.viewport;
    const left = box.x * view.k + view.x + (box.w * view.k) / 2 - bar.offsetWidth / 2;
    const top = box.y * view.k + view.y - bar.offsetHeight - GAP;
    const host = bar.parentElement;
    bar.style.left = `${Math.max(4, Math.min(left, host.clientWidth - bar.offsetWidth - 4))}px`;
    bar.style.top = `${top < 4 ? Math.min(host.clientHeight - bar.offsetHeight - 4, (box.y + box.h) * view.k + view.y + GAP) : top}px`;
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
        button.hidden = !kinds.includes(nodes.length === 1 && !decor.length ? "one" : nodes.length ? "many" : "decor");
      }
      place();
    },
  };
}
