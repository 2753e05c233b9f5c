/** The workflow as the canvas keeps it: tasks in a Map, edges with their corners, and the changes that live updates make. */
import { freeRoute, simplified, stretches } from "./edges.js";
import { layered } from "./layout.js";
import { isSettled } from "./states.js";

export const NODE = { w: 200, h: 64 };
const DISC = { w: 36, h: 36 };
const DISC_GAP = 64;
const MOST_STARTS = 12; // more lines than this from the disc would say nothing
const CLEARABLE = ["word", "glyph", "figure", "since", "until", "usual", "progress", "agent"];
const LASTING = new Set(["usual", "agent"]); // what another state leaves as it is
export const START = "\u0000start";

/**
 * @typedef {object} Model
 * @property {Map<string, import("./types.js").Node>} nodes
 * @property {import("./types.js").Edge[]} edges
 * @property {string[]} order keys of the tasks, first to last
 * @property {import("./types.js").Box} bounds
 * @property {(states: Record<string, import("./types.js").TaskState>) => {nodes: Set<import("./types.js").Node>, edges: Set<import("./types.js").Edge>}} apply
 * @property {() => import("./types.js").Node|null} firstUnfinished
 */

/**
 * @param {import("./types.js").GraphData} data
 * @param {(label: string) => number} labelWidth width of a pill
 * @returns {Model}
 */
export function createModel(data, labelWidth) {
  const nodes = new Map(data.nodes.map((given) => [given.key, nodeOf(given)]));
  const known = data.edges.filter((edge) => nodes.has(edge.from) && nodes.has(edge.to));
  const starts = firstTasks(nodes, known);
  const disc = data.start && starts.length <= MOST_STARTS ? addDisc(nodes, data.start) : null;
  const given = disc ? [...starts.map((key) => ({ from: START, to: key })), ...known] : known;
  const edges = connect(nodes, given);
  place(nodes, edges, labelWidth);
  const order = inOrder(nodes);
  return {
    nodes,
    edges,
    order,
    bounds: around([...nodes.values(), ...edges.flatMap((edge) => edge.boxes)]),
    apply: (states) => apply(nodes, states),
    firstUnfinished: () => order.map((key) => nodes.get(key)).find((node) => node.state && !isSettled(node.state)) ?? null,
  };
}

function nodeOf(given) {
  return { ...given, x: 0, y: 0, w: NODE.w, h: NODE.h, disc: false, order: 0, into: [], out: [] };
}

function firstTasks(nodes, edges) {
  const later = new Set(edges.map((edge) => edge.to));
  return [...nodes.keys()].filter((key) => !later.has(key));
}

function addDisc(nodes, start) {
  const glyph = start.glyph ?? "g-timer";
  const state = start.state ?? "success";
  const disc = { ...nodeOf({ key: START, name: start.label, kind: "work", glyph, state }), ...DISC, disc: true };
  nodes.set(START, disc);
  return disc;
}

function connect(nodes, given) {
  const labels = new Set();
  return given.map((edge, id) => {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
    // Twin edges into one task share the last stretch, so they share one pill.
    const twin = `${edge.to}\n${edge.label}`;
    const label = edge.label && !labels.has(twin) ? edge.label : "";
    labels.add(twin);
    const made = { id, from, to, label, kind: edge.kind ?? "dependency", mark: edge.mark, points: [], boxes: [] };
    from.out.push(made);
    to.into.push(made);
    return made;
  });
}

/** Stored places are kept when every task has one: nobody's drawing is moved. Otherwise the layout decides. */
function place(nodes, edges, labelWidth) {
  const all = [...nodes.values()];
  const tasks = all.filter((node) => !node.disc);
  if (tasks.length && tasks.every((node) => node.position)) {
    for (const node of tasks) Object.assign(node, { x: node.position.x, y: node.position.y });
    placeDisc(nodes.get(START), tasks);
    for (const edge of edges) edge.points = simplified(freeRoute(edge.from, edge.to, manner(edge)));
  } else layOut(all, edges, labelWidth);
  for (const edge of edges) edge.boxes = stretches(edge.points);
}

function placeDisc(disc, tasks) {
  if (!disc) return;
  const first = disc.out.map((edge) => edge.to);
  const middle = first.reduce((sum, node) => sum + node.y + node.h / 2, 0) / first.length;
  disc.x = Math.min(...tasks.map((node) => node.x)) - DISC_GAP - DISC.w;
  disc.y = middle - DISC.h / 2;
}

function manner(edge) {
  return { fork: edge.from.out.length > 1 || edge.to.into.length === 1, failure: edge.kind === "failure" };
}

function layOut(all, edges, labelWidth) {
  const index = new Map(all.map((node, i) => [node.key, i]));
  const links = edges.map((edge) => ({
    from: index.get(edge.from.key),
    to: index.get(edge.to.key),
    failure: edge.kind === "failure",
    labelWidth: edge.label ? labelWidth(edge.label) : 0,
  }));
  const { places, routes } = layered(all, links);
  all.forEach((node, i) => Object.assign(node, places[i]));
  edges.forEach((edge, i) => {
    edge.points = simplified(routes[i] ?? freeRoute(edge.from, edge.to, manner(edge)));
  });
}

/** Reading order: column by column, from the top. Also sets each task's `order`. */
function inOrder(nodes) {
  const tasks = [...nodes.values()].filter((node) => !node.disc);
  tasks.sort((a, b) => a.x - b.x || a.y - b.y);
  tasks.forEach((node, i) => {
    node.order = i;
  });
  return tasks.map((node) => node.key);
}

/** @returns {import("./types.js").Box} */
function around(boxes) {
  if (!boxes.length) return { x: 0, y: 0, w: NODE.w, h: NODE.h };
  let [x, y, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) {
    x = Math.min(x, box.x);
    y = Math.min(y, box.y);
    right = Math.max(right, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.h);
  }
  return { x, y, w: right - x, h: bottom - y };
}

function apply(nodes, states) {
  const changed = { nodes: new Set(), edges: new Set() };
  for (const [key, change] of Object.entries(states)) {
    const node = nodes.get(key);
    if (!node) continue;
    const before = node.state;
    if (change.state && change.state !== before) {
      for (const name of CLEARABLE) if (!LASTING.has(name)) delete node[name];
      node.state = change.state;
      for (const edge of [...node.into, ...node.out]) changed.edges.add(edge);
    }
    for (const name of CLEARABLE) if (name in change) setOrClear(node, name, change[name]);
    changed.nodes.add(node);
  }
  return changed;
}

function setOrClear(node, name, value) {
  if (value === null || value === undefined) delete node[name];
  else node[name] = value;
}
