/** Thousands of tasks seen from afar: one path for each state and one for all edges, instead of thousands of elements. */
import { svg } from "./dom.js";
import { STATES } from "./states.js";

export const OVERVIEW_FROM = 1500;

/**
 * @param {SVGElement} layer
 * @param {import("./model.js").Model} model
 */
export function drawOverview(layer, model) {
  const boxes = new Map([[undefined, []], ...STATES.map((state) => [state, []])]);
  for (const node of model.nodes.values()) boxes.get(node.state).push(`M${node.x} ${node.y}h${node.w}v${node.h}h${-node.w}z`);
  const lines = model.edges.map((edge) => `M${edge.points.map((point) => `${point.x} ${point.y}`).join("L")}`);
  const paths = [svg("path", { class: "ov-e", d: lines.join("") })];
  for (const [state, parts] of boxes) {
    if (parts.length) paths.push(svg("path", { class: state ? `ov-n s-${state}` : "ov-n", d: parts.join("") }));
  }
  layer.replaceChildren(...paths);
}
