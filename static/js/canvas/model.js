/** The workflow as the canvas keeps it: tasks in a Map, edges with their corners, and the changes that edits and live updates make. */
import { clearRoute, simplified, stretches } from "./edges.js";
import { layered } from "./layout.js";
import { placeMissing, touches } from "./placing.js";
import { createGrid, rangeOf } from "./cull.js";
import { isSettled } from "./states.js";

const NODE = { w: 200, h: 64 };
const DISC = { w: 36, h: 36 };
const DISC_GAP = 64;
const MOST_STARTS = 12; // more lines than this from the disc would say nothing
const CLEARABLE = ["word", "glyph", "figure", "since", "until", "usual", "progress", "agent"];
const LASTING = new Set(["usual", "agent"]); // what another state leaves as it is
const DRAWN = ["name", "kind", "icon", "agent", "note", "problem", "severity", "mark", "folded", "w", "h"];
const MANY = 40; // more tasks than this came, went or moved: every edge finds its way anew
export const START = "\u0000start";

/**
 * @typedef {{added: Set<import("./types.js").Node>, removed: Set<import("./types.js").Node>, moved: Set<import("./types.js").Node>, painted: Set<import("./types.js").Node>,
 *   newEdges: Set<import("./types.js").Edge>, goneEdges: Set<import("./types.js").Edge>, routed: Set<import("./types.js").Edge>, restructured: boolean}} Difference
 *
 * @typedef {object} Model
 * @property {Map<string, import("./types.js").Node>} nodes
 * @property {import("./types.js").Edge[]} edges
 * @property {string[]} order keys of the tasks, first to last
 * @property {import("./types.js").Box} bounds the same object for ever
 * @property {(data: import("./types.js").GraphData) => Difference} sync to other data, keeping the objects of what stays
 * @property {(moves: Map<import("./types.js").Node, import("./types.js").Point>, settle?: boolean) => Set<import("./types.js").Edge>} move
 * @property {(states: Record<string, import("./types.js").TaskState>) => {nodes: Set<import("./types.js").Node>, edges: Set<import("./types.js").Edge>}} apply
 * @property {() => import("./types.js").Node[]} fronts tasks that nothing unfinished stands before; once all is over, those that began
 */

/**
 * @param {import("./types.js").GraphData} data
 * @param {(label: string) => number} labelWidth width of a pill
 * @returns {Model}
 */
export function createModel(data, labelWidth) {
  const model = { nodes: new Map(), edges: [], order: [], bounds: { x: 0, y: 0, w: 0, h: 0 }, grid: createGrid([], (node) => [node]) };
  const byEnds = new Map();

  const route = (edges) => {
    const nodesIn = (box) => [...model.grid.within(rangeOf(box))].filter((node) => touches(node, box));
    for (const edge of edges) {
      edge.points = clearRoute(edge, nodesIn);
      edge.boxes = stretches(edge.points);
    }
  };
  const settle = () => {
    model.order = inOrder(model.nodes);
    Object.assign(model.bounds, around(boxesOf(model)));
  };

  model.sync = (next) => {
    const change = exchangeNodes(model, next);
    const edges = exchangeEdges(model, next, byEnds, change);
    if (!change.restructured && !change.added.size && !change.removed.size && !change.newEdges.size && !change.goneEdges.size) return change;
    const before = new Map([...model.nodes.values()].map((node) => [node, { x: node.x, y: node.y }]));
    const laidOut = place(model, labelWidth);
    for (const [node, at] of before) if (!change.added.has(node) && (node.x !== at.x || node.y !== at.y)) change.moved.add(node);
    refile(model.grid, change);
    if (laidOut) change.routed = new Set(model.edges);
    else route((change.routed = toRoute(model, change, edges)));
    settle();
    return change;
  };
  model.move = (moves, settled = true) => {
    const touched = new Set();
    for (const [node, at] of moves) {
      Object.assign(node, { x: at.x, y: at.y });
      if (settled) model.grid.moved(node);
      for (const edge of [...node.into, ...node.out]) touched.add(edge);
    }
    route(touched);
    if (settled) settle();
    return touched;
  };
  model.apply = (states) => apply(model.nodes, states);
  model.fronts = () => {
    const nodes = [...model.nodes.values()];
    const found = nodes.filter((node) => !isSettled(node.state) && node.into.every(({ from }) => isSettled(from.state)));
    return found.length ? found : nodes.filter((node) => node.into.every(({ from }) => from.disc));
  };
  model.sync(data);
  return model;
}

function* boxesOf(model) {
  yield* model.nodes.values();
  for (const edge of model.edges) yield* edge.boxes;
}

function nodeOf(given) {
  return { ...given, x: 0, y: 0, w: given.w ?? NODE.w, h: given.h ?? NODE.h, disc: false, order: 0, into: [], out: [] };
}

/** Objects of tasks that stay stay: what is drawn for them is kept by them. */
function exchangeNodes(model, next) {
  const change = { added: new Set(), removed: new Set(), moved: new Set(), painted: new Set(), newEdges: new Set(), goneEdges: new Set(), routed: new Set(), restructured: false };
  const wanted = withDisc(next);
  const nodes = new Map();
  for (const given of wanted) {
    const known = model.nodes.get(given.key);
    const node = known ?? nodeOf(given);
    nodes.set(given.key, node);
    if (!known) change.added.add(node);
    else if (renewed(node, given)) change.painted.add(node);
    // A place that is stored where the task stands already changes nothing; one that is taken away leaves it to the layout.
    change.restructured ||= node.position?.x !== given.position?.x || node.position?.y !== given.position?.y;
    node.position = given.position;
  }
  for (const [key, node] of model.nodes) if (!nodes.has(key)) change.removed.add(node);
  model.nodes.clear();
  for (const [key, node] of nodes) model.nodes.set(key, node);
  return change;
}

function withDisc(next) {
  if (!next.start) return next.nodes;
  if (startsOf(next.nodes, next.edges).length > MOST_STARTS) return next.nodes;
  return [...next.nodes, { key: START, name: next.start.label, kind: "work", glyph: next.start.glyph ?? "g-timer", state: next.start.state ?? "success", ...DISC }];
}

function startsOf(nodes, edges) {
  const later = new Set(edges.map((edge) => edge.to));
  return nodes.filter((node) => !later.has(node.key));
}

function renewed(node, given) {
  let differs = false;
  for (const name of DRAWN) {
    const value = given[name] ?? NODE[name];
    if (node[name] === value || (name in NODE && node.disc)) continue;
    node[name] = value;
    differs = true;
  }
  return differs;
}

function exchangeEdges(model, next, byEnds, change) {
  const disc = model.nodes.get(START);
  if (disc) disc.disc = true;
  const known = next.edges.filter((edge) => model.nodes.has(edge.from) && model.nodes.has(edge.to));
  const starts = disc ? startsOf(next.nodes, known).map((node) => ({ from: START, to: node.key })) : [];
  const shapes = new Map([...model.nodes.values()].map((node) => [node, `${node.into.length} ${node.out.length}`]));
  const altered = connect(model, [...starts, ...known], byEnds, change);
  // Another number of edges at a task may make a fork of it, whose edges turn elsewhere.
  for (const [node, shape] of shapes) {
    if (shape !== `${node.into.length} ${node.out.length}`) for (const edge of [...node.into, ...node.out]) altered.add(edge);
  }
  return altered;
}

function connect(model, given, byEnds, change) {
  const labels = new Set();
  const altered = new Set();
  const old = new Map(byEnds);
  for (const node of model.nodes.values()) [node.into, node.out] = [[], []];
  byEnds.clear();
  model.edges = given.map((one) => {
    // Twin edges into one task share the last stretch, so they share one pill.
    const twin = `${one.to}\n${one.label}`;
    const label = one.label && !labels.has(twin) ? one.label : "";
    labels.add(twin);
    const ends = `${one.from}\n${one.to}`;
    const edge = kept(old.get(ends), model, one, label, change, altered);
    old.delete(ends);
    byEnds.set(ends, edge);
    edge.from.out.push(edge);
    edge.to.into.push(edge);
    return edge;
  });
  for (const edge of old.values()) change.goneEdges.add(edge);
  return altered;
}

function kept(edge, model, given, label, change, altered) {
  const [from, to] = [model.nodes.get(given.from), model.nodes.get(given.to)];
  const kind = given.kind ?? "dependency";
  if (edge && edge.from === from && edge.to === to && edge.label === label && edge.kind === kind && edge.mark === given.mark) return edge;
  if (edge) change.goneEdges.add(edge);
  const made = { id: `${given.from}\n${given.to}`, from, to, label, kind, mark: given.mark, points: [], boxes: [] };
  change.newEdges.add(made);
  altered.add(made);
  return made;
}

/** Stored places are kept: nobody's drawing is moved. Where there is none at all, the layout decides. */
function place(model, labelWidth) {
  const all = [...model.nodes.values()];
  const tasks = all.filter((node) => !node.disc);
  if (!tasks.some((node) => node.position)) {
    layOut(all, model.edges, labelWidth);
    return true;
  }
  for (const node of tasks) if (node.position) Object.assign(node, { x: node.position.x, y: node.position.y });
  placeMissing(tasks);
  placeDisc(model.nodes.get(START), tasks);
  return false;
}

function placeDisc(disc, tasks) {
  if (!disc || !disc.out.length) return;
  const first = disc.out.map((edge) => edge.to);
  const middle = first.reduce((sum, node) => sum + node.y + node.h / 2, 0) / first.length;
  disc.x = Math.min(...tasks.map((node) => node.x)) - DISC_GAP - DISC.w;
  disc.y = middle - DISC.h / 2;
}

function layOut(all, edges, labelWidth) {
  const { places, routes } = layoutOf(all, edges, labelWidth);
  all.forEach((node, i) => Object.assign(node, places[i]));
  edges.forEach((edge, i) => {
    edge.points = simplified(routes[i] ?? clearRoute(edge, () => []));
    edge.boxes = stretches(edge.points);
  });
}

/** Places and routes of these tasks alone. @param {(label: string) => number} labelWidth */
export function layoutOf(nodes, edges, labelWidth) {
  const index = new Map(nodes.map((node, i) => [node, i]));
  return layered(nodes, edges.map((edge) => ({
    from: index.get(edge.from),
    to: index.get(edge.to),
    failure: edge.kind === "failure",
    labelWidth: edge.label ? labelWidth(edge.label) : 0,
  })));
}

function refile(grid, change) {
  for (const node of change.removed) grid.remove(node);
  for (const node of change.added) grid.add(node);
  for (const node of change.moved) grid.moved(node);
}

/** What has to find its way anew: altered edges, those of what moved, and those that run where something came or went. */
function toRoute(model, change, altered) {
  const stirred = [...change.moved, ...change.added, ...change.removed];
  if (stirred.length > MANY) return new Set(model.edges);
  const found = new Set(altered);
  for (const node of [...change.moved, ...change.added]) for (const edge of [...node.into, ...node.out]) found.add(edge);
  if (stirred.length) for (const edge of model.edges) if (edge.boxes.some((box) => stirred.some((node) => touches(box, node)))) found.add(edge);
  return found;
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

/** @param {Iterable<import("./types.js").Box>} boxes @returns {import("./types.js").Box} */
export function around(boxes) {
  let [x, y, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) {
    x = Math.min(x, box.x);
    y = Math.min(y, box.y);
    right = Math.max(right, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.h);
  }
  return x === Infinity ? { x: 0, y: 0, w: NODE.w, h: NODE.h } : { x, y, w: right - x, h: bottom - y };
}

function apply(nodes, states) {
  const changed = { nodes: new Set(), edges: new Set() };
  for (const [key, change] of Object.entries(states)) {
    const node = nodes.get(key);
    if (!node) continue;
    const before = node.state;
    if (change.state !== undefined && change.state !== before) {
      for (const name of CLEARABLE) if (!LASTING.has(name)) delete node[name];
      setOrClear(node, "state", change.state);
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
