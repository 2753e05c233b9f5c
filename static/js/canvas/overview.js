/** Thousands of tasks seen from afar: one path for each state and one for all edges, instead of thousands of elements. */
import { svg } from "./dom.js";
import { MARKS } from "./shapes.js";
import { STATES } from "./states.js";

export const OVERVIEW_FROM = 1500;
const PIECE = 100;

/**
 * @param {SVGElement} layer
 * @param {import("./model.js").Model} model
 */
export function drawOverview(layer, model) {
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
