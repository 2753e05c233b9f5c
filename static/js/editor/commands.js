/**
 * All that can be done on the canvas, once each: keys, menus, buttons and the command list call the same. Every change goes
 * through `edit`, which says it to screen readers and can be undone.
 */
import { around } from "../canvas/model.js";
import { freeSpot, GRID } from "../canvas/placing.js";
import { copied, pastedTasks } from "./clipboard.js";
import { FRAME, NOTE, NOTE_SIZE } from "./decor.js";
import { freshKeys, got, needsOf, tasksOf } from "./document.js";
import { carry, isFolded } from "./gestures.js";
import { GROUP, groupsOf, notesOf } from "./graph.js";

/**
 * @typedef {object} Context
 * @property {() => Surface} surface
 * @property {Session} session
 * @property {(ops: object[], how: {label: string}) => void} edit
 * @property {(text: string) => void} announce
 * @property {Record<string, import("./graph.js").ActionInfo>} actions
 *
 * @param {Context} context
 */
export function createCommands({ surface: surfaceOf, session, edit, announce, actions }) {
  const draft = () => session.draft();
  const name = (key) => tasksOf(draft())[key]?.name || key;
  const keys = () => surfaceOf().keysOf(surfaceOf().selection()).filter((key) => tasksOf(draft())[key]);
  const said = (some) => (some.length === 1 ? name(some[0]) : `${some.length} steps`);
  const bySurface = (some) => some.map((key) => surfaceOf().model.nodes.get(key)).filter(Boolean);

  /** @param {string} action @param {{at?: object|null, from?: string, to?: string, failure?: boolean, into?: object|null, label?: string}} [where] */
  function add(action, { at = null, from, to, into = null, failure = false, label } = {}) {
    const surface = surfaceOf();
    const title = label || actions[action].label;
    const wish = title.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 60) || "step";
    const [key] = Object.values(freshKeys([wish], tasksOf(draft())));
    const after = into ? [into.from.key] : from ? [from] : [];
    const spot = surface.spotFor(at ?? (into ? middleOf(into) : null), after);
    const task = { name: numberedName(title), action, dependencies: after, position: spot };
    const unstored = surface.unstored();
    const ops = Object.keys(unstored).length ? [{ op: "move", positions: unstored }] : [];
    ops.push({ op: "add", key, task: failure ? { ...task, join: "all_settled", conditions: [`tasks.${from}.status == "failed"`] } : task });
    if (into) ops.push({ op: "disconnect", from: into.from.key, to: into.to.key }, { op: "connect", from: key, to: into.to.key });
    if (to) ops.push({ op: "connect", from: key, to });
    edit(ops, { label: `${task.name} added` });
    surface.select([key]);
    surface.focus(key);
    return key;
  }

  function numberedName(title) {
    const names = new Set(Object.values(tasksOf(draft())).map((task) => task?.name));
    if (!names.has(title)) return title;
    let number = 2;
    while (names.has(`${title} ${number}`)) number += 1;
    return `${title} ${number}`;
  }

  function remove(joined) {
    const surface = surfaceOf();
    if (surface.edge()) return cut(surface.edge());
    const some = keys();
    const decor = [...surface.selection()].filter((key) => surface.decor.isDecor(key));
    const ops = some.map((key) => ({ op: joined ? "remove_joined" : "remove", key }));
    for (const key of decor) ops.push(key.startsWith(NOTE) ? { op: "note", id: key.slice(NOTE.length), note: null } : { op: "group", id: key.slice(FRAME.length), group: null });
    const next = nextAfter(some);
    edit(ops, { label: some.length ? `${said(some)} deleted${joined ? ", neighbours joined" : ""}` : "Deleted" });
    if (next) surface.focus(next);
  }

  function nextAfter(some) {
    const gone = new Set(some);
    const node = surfaceOf().model.nodes.get(some[0] ?? "");
    const near = [...(node?.into ?? []).map((edge) => edge.from), ...(node?.out ?? []).map((edge) => edge.to)];
    return near.find((other) => !other.disc && !gone.has(other.key))?.key ?? null;
  }

  function cut(edge) {
    if (edge.from.disc) return announce("This line only shows where the run begins.");
    if (isFolded(edge)) return announce("Unfold the group first.");
    edit([{ op: "disconnect", from: edge.from.key, to: edge.to.key }], { label: `${edge.to.name} no longer runs after ${edge.from.name}` });
    surfaceOf().select([edge.from.key]);
    surfaceOf().focus(edge.from.key);
  }

  function shift(dx, dy) {
    const load = carry(surfaceOf(), { edit });
    load.shift({ x: dx * GRID, y: dy * GRID });
    if (dx && !load.by().x) load.shift({ x: dx * GRID * 1.5, y: 0 });
    load.drop();
  }

  function arrange(place, what) {
    const nodes = bySurface([...surfaceOf().selection()]).filter((node) => !node.key.startsWith(GROUP));
    if (nodes.length < 2) return announce("Select two steps or more.");
    const positions = { ...surfaceOf().unstored(new Set(nodes.map((node) => node.key))) };
    for (const [node, at] of place(nodes, around(nodes))) positions[node.key] = { x: Math.round(at.x), y: Math.round(at.y) };
    edit([{ op: "move", positions }], { label: `${nodes.length} steps ${what}` });
  }
  const align = (axis, size, share) => () => arrange((nodes, box) => nodes.map((node) => [node, { x: node.x, y: node.y, [axis]: box[axis] + (box[size] - node[size]) * share }]), "aligned");
  const distribute = (axis, size) => () => arrange((nodes, box) => {
    const sorted = [...nodes].sort((a, b) => a[axis] - b[axis]);
    const room = (box[size] - sorted.reduce((sum, node) => sum + node[size], 0)) / (sorted.length - 1);
    let at = box[axis];
    return sorted.map((node) => {
      const place = { x: node.x, y: node.y, [axis]: at };
      at += node[size] + room;
      return [node, place];
    });
  }, "distributed");

  function tidy(all = false) {
    const surface = surfaceOf();
    const chosen = keys();
    const whole = all || chosen.length < 2;
    const some = whole ? [...surface.model.nodes.keys()].filter((key) => tasksOf(draft())[key]) : chosen;
    edit([{ op: "move", positions: { ...surface.unstored(new Set(some)), ...surface.tidied(some) } }], { label: whole ? "All steps tidied" : `${said(some)} tidied` });
  }

  function group() {
    const surface = surfaceOf();
    const frames = [...surface.selection()].filter((key) => key.startsWith(FRAME) || key.startsWith(GROUP));
    if (frames.length) return edit(frames.map((key) => ({ op: "group", id: key.replace(FRAME, "").replace(GROUP, ""), group: null })), { label: "Group dissolved" });
    const some = keys();
    if (!some.length) return announce("Select the steps that belong together first.");
    const [id] = Object.values(freshKeys(["group"], groupsOf(draft())));
    const others = Object.entries(groupsOf(draft())).filter(([, one]) => one.tasks?.some((key) => some.includes(key)));
    const ops = others.map(([other, one]) => ({ op: "group", id: other, group: { ...one, tasks: one.tasks.filter((key) => !some.includes(key)) } }));
    edit([...ops, { op: "group", id, group: { name: "Group", tasks: some } }], { label: `${said(some)} grouped` });
    surface.select([FRAME + id]);
    return id;
  }

  function fold(key) {
    const id = key.replace(FRAME, "").replace(GROUP, "");
    const one = groupsOf(draft())[id];
    const unstored = surfaceOf().unstored();
    const ops = Object.keys(unstored).length ? [{ op: "move", positions: unstored }] : [];
    edit([...ops, { op: "group", id, group: { ...one, folded: !one.folded } }], { label: `${one.name || "Group"} ${one.folded ? "unfolded" : "folded"}` });
    surfaceOf().select([(one.folded ? FRAME : GROUP) + id]);
  }

  function addNote(at) {
    const [id] = Object.values(freshKeys(["note"], notesOf(draft())));
    const seen = surfaceOf().viewport.seen();
    const middle = { x: seen.x + seen.w / 2 - NOTE_SIZE.w / 2, y: seen.y + seen.h / 2 - NOTE_SIZE.h / 2 };
    const place = at ?? freeSpot([...surfaceOf().model.nodes.values()], middle, NOTE_SIZE);
    edit([{ op: "note", id, note: { text: "", x: Math.round(place.x), y: Math.round(place.y), width: NOTE_SIZE.w, height: NOTE_SIZE.h } }], { label: "Note added" });
    surfaceOf().select([NOTE + id]);
    return id;
  }

  function clipped() {
    const some = keys();
    if (!some.length) return null;
    const { text, stripped } = copied(withPlaces(draft(), surfaceOf()), some);
    announce(`${said(some)} copied${stripped ? `; ${stripped} secrets in plain text were left out` : ""}.`);
    return text;
  }

  function paste(text, { by = { x: 2 * GRID, y: 6 * GRID } } = {}) {
    const tasks = pastedTasks(text);
    if (!tasks) return announce("There are no steps on the clipboard. Copy some here first, or the JSON of a workflow.");
    const names = freshKeys(Object.keys(tasks), tasksOf(draft()));
    const unstored = surfaceOf().unstored();
    const ops = Object.keys(unstored).length ? [{ op: "move", positions: unstored }] : [];
    edit([...ops, { op: "paste", tasks, by }], { label: `${Object.keys(tasks).length} steps pasted` });
    surfaceOf().select(Object.values(names));
    surfaceOf().focus(Object.values(names)[0]);
  }

  return {
    add, remove, shift, tidy, group, fold, addNote, paste, clipped,
    align: { left: align("x", "w", 0), centre: align("x", "w", 0.5), right: align("x", "w", 1), top: align("y", "h", 0), middle: align("y", "h", 0.5), bottom: align("y", "h", 1) },
    distribute: { across: distribute("x", "w"), down: distribute("y", "h") },
    duplicate: () => {
      const some = keys();
      if (some.length) paste(copied(withPlaces(draft(), surfaceOf()), some).text);
    },
    /** Everything before or behind the selection along the edges. @param {"into"|"out"} side @param {"from"|"to"} end */
    along(side, end) {
      const found = new Set(bySurface([...surfaceOf().selection()]));
      for (const node of found) for (const edge of node[side]) if (!edge[end].disc) found.add(edge[end]);
      surfaceOf().select([...found].map((node) => node.key));
    },
    all: () => surfaceOf().select([...surfaceOf().model.nodes.values()].filter((node) => !node.disc).map((node) => node.key)),
    rename: (key, title) => edit([{ op: "set", key, field: ["name"], value: title }], { label: `${name(key)} renamed to ${title}` }),
    writeNote: (id, text) => edit([{ op: "note", id, note: { ...notesOf(draft())[id], text } }], { label: "Note written" }),
    nameGroup: (id, title) => edit([{ op: "group", id, group: { ...groupsOf(draft())[id], name: title } }], { label: `Group named ${title}` }),
    replaceAction: (key, action) => edit([{ op: "action", key, action }], { label: `${name(key)} is now ${actions[action].label}` }),
    name,
    keys,
    needs: (key) => needsOf(draft(), key),
    parameter: (key, path) => got(draft(), ["tasks", key, "parameters", ...path]),
  };
}

function middleOf(edge) {
  const middle = { x: (edge.from.x + edge.from.w + edge.to.x) / 2, y: (edge.from.y + edge.to.y) / 2 };
  return { x: middle.x - 100, y: middle.y };
}

/** What is copied keeps how its steps stand to each other, also where the layout has placed them. */
function withPlaces(draft, surface) {
  const tasks = Object.fromEntries(Object.entries(tasksOf(draft)).map(([key, task]) => {
    const node = surface.model.nodes.get(key);
    return [key, node && !task.position ? { ...task, position: { x: node.x, y: node.y } } : task];
  }));
  return { ...draft, tasks };
}
