/** What takes more than one step: choose an action to add, find a step, pick a command, write a name, publish. */
import { open as openDialog } from "../dialog.js";
import { isFolded } from "./gestures.js";
import { FRAME, NOTE } from "./decor.js";
import { tasksOf } from "./document.js";
import { GROUP, groupsOf, notesOf } from "./graph.js";
import { writeInPlace } from "./inplace.js";
import { pick } from "./picker.js";

const MOST_NOTE = 2000;

/** @param {any} parts see main.js */
export function createFlows(parts) {
  const { surface: surfaceOf, session, announce, actions, commands, connecting, find, startCarry } = parts;
  const items = () => Object.values(actions).map((action) => ({ id: action.name, label: action.label, note: action.about, icon: action.icon, words: action.name.replaceAll("_", " ") }));

  async function add(where = {}) {
    const surface = surfaceOf();
    const into = where.into === undefined && !where.at && !where.from && !where.to ? surface.edge() : (where.into ?? null);
    if (into && (into.from.disc || isFolded(into))) return announce("No step can be put into this line.");
    const active = commands.keys()[0] ?? surface.stage.active()?.key;
    const from = where.from ?? (into || where.at || where.to ? undefined : tasksOf(session.draft())[active] ? active : undefined);
    const title = into ? `Add a step between ${into.from.name} and ${into.to.name}` : from ? `Add a step after ${commands.name(from)}` : "Add a step";
    const found = await pick({
      title,
      placeholder: "What it does, or what it is called",
      items: items(),
      typed: (text) => (text ? Object.values(actions).map((action) => ({ id: action.name, label: `${action.label} called “${text}”`, icon: action.icon, named: true })) : []),
    });
    if (found) commands.add(found.item.id, { ...where, into, from, label: found.item.named ? found.text : "" });
  }

  async function findStep() {
    const tasks = tasksOf(session.draft());
    const found = await pick({
      title: "Find a step",
      placeholder: "Name or key",
      items: Object.entries(tasks).map(([key, task]) => ({ id: key, label: task?.name || key, note: key, icon: actions[task?.action]?.icon, words: `${actions[task?.action]?.label ?? ""} ${task?.agent_id ?? ""}` })),
      empty: "No step is called that.",
    });
    if (!found) return;
    unfold(found.item.id);
    surfaceOf().select([found.item.id]);
    surfaceOf().focus(found.item.id);
  }

  function unfold(key) {
    const node = [...surfaceOf().model.nodes.keys()].find((one) => one.startsWith(GROUP) && groupsOf(session.draft())[one.slice(GROUP.length)]?.tasks?.includes(key));
    if (node) commands.fold(node);
  }

  async function changeAction() {
    const [key] = commands.keys();
    if (!key) return announce("Select a step first.");
    const found = await pick({ title: `What ${commands.name(key)} does`, placeholder: "Its connections stay as they are", items: items() });
    if (found) commands.replaceAction(key, found.item.id);
  }

  /** @param {string} [which] key of a step, note or frame; the selection when missing */
  async function write(which) {
    const surface = surfaceOf();
    const key = which ?? [...surface.selection()][0] ?? surface.stage.active()?.key;
    if (!key) return;
    const draft = session.draft();
    if (key.startsWith(NOTE)) return writeNote(key);
    const id = key.replace(FRAME, "").replace(GROUP, "");
    const isGroup = key !== id;
    const box = isGroup ? (surface.decor.box(key) ?? surface.model.nodes.get(key)) : surface.model.nodes.get(key);
    if (!box) return;
    const value = isGroup ? (groupsOf(draft)[id]?.name ?? "") : commands.name(key);
    const title = await writeInPlace(find("canvas"), onScreen(surface, { x: box.x + 8, y: box.y + 6, w: isGroup ? 220 : box.w - 16, h: 34 }), { value, label: isGroup ? "Name of the group" : "Name of the step" });
    if (title && isGroup) commands.nameGroup(id, title);
    else if (title) commands.rename(key, title);
  }

  async function writeNote(key) {
    const surface = surfaceOf();
    const id = key.slice(NOTE.length);
    const box = surface.decor.box(key);
    const text = await writeInPlace(find("canvas"), onScreen(surface, box), { value: notesOf(session.draft())[id]?.text ?? "", label: "Text of the note; Ctrl and Enter keep it", long: true, most: MOST_NOTE });
    if (text !== null) commands.writeNote(id, text);
  }

  function note(at) {
    const id = commands.addNote(at);
    write(NOTE + id);
  }

  function group() {
    const id = commands.group();
    if (id) write(FRAME + id);
  }

  async function publish() {
    announce("Saving what is still waiting.");
    if (!(await session.flush())) return announce("It cannot be published before all edits are saved.");
    openDialog("publish-dialog");
  }

  function open() {
    const active = surfaceOf().stage.active();
    if (active && !surfaceOf().selection().has(active.key)) surfaceOf().select([active.key]);
    parts.page.dispatchEvent(new CustomEvent("editor:inspect"));
  }

  /** Commands by the names that keys, buttons and the list use. */
  function acts({ carrying, endCarry, sidebar }) {
    const surface = surfaceOf();
    const { viewport } = surface;
    const active = () => surface.stage.active();
    const focusAt = (at) => surface.model.order.length && surface.focus(surface.model.order.at(at));
    const selectActive = () => {
      if (!surface.selection().size && !surface.edge() && active()) surface.select([active().key]);
    };
    const onSelection = (run) => () => {
      selectActive();
      run();
    };
    return {
      open,
      first: () => focusAt(0),
      last: () => focusAt(-1),
      earlier: () => sibling(surface, -1),
      later: () => sibling(surface, 1),
      toggle: () => active() && surface.toggle(active().key),
      all: commands.all,
      upstream: onSelection(() => commands.along("into", "from")),
      downstream: onSelection(() => commands.along("out", "to")),
      add: () => add(),
      insert: () => (surface.edge() ? add({ into: surface.edge() }) : announce("Choose an edge first: press E.")),
      connect: () => {
        const key = commands.keys()[0] ?? active()?.key;
        if (key) connecting.begin(key);
        else announce("There is no step to connect.");
      },
      edges: () => cycleEdges(surface, announce),
      move: startCarry,
      group: onSelection(group),
      fold: () => [...surface.selection()].filter((key) => key.startsWith(FRAME) || key.startsWith(GROUP)).forEach(commands.fold),
      tidy: () => commands.tidy(),
      tidyAll: () => commands.tidy(true),
      remove: onSelection(() => commands.remove(false)),
      join: onSelection(() => commands.remove(true)),
      undo: () => session.undo(),
      redo: () => session.redo(),
      duplicate: onSelection(commands.duplicate),
      copy: onSelection(async () => {
        const text = commands.clipped();
        if (text) await navigator.clipboard?.writeText(text).catch(() => announce("The browser did not let it be copied."));
      }),
      rename: () => write(),
      zoomIn: viewport.zoomIn,
      zoomOut: viewport.zoomOut,
      actual: () => viewport.zoomTo(1),
      fit: viewport.fit,
      fitSelection: () => {
        const box = boxOf(surface.chosen());
        if (box) viewport.fitTo(box);
      },
      find: findStep,
      changeAction,
      openWorkflow: async () => (await rarer())?.openWorkflow(parts),
      extract: async () => (await rarer())?.extract(parts),
      note: () => note(null),
      publish,
      soon: () => void import("./rarer.js").catch(() => {}), // between Ctrl and K there is time to fetch the list
      commands: async () => (await rarer())?.chooseCommand(acts({ carrying, endCarry, sidebar })),
      sheet: async () => (await rarer())?.openSheet(),
      back() {
        if (surface.viewport.cancelDrag(new PointerEvent("pointercancel"))) return;
        if (carrying()) return endCarry(false);
        if (connecting.stop()) return;
        if (surface.edge()) {
          const { from } = surface.edge();
          surface.select([from.key]);
          return surface.focus(from.key);
        }
        if (surface.selection().size) return surface.select([]);
        document.querySelector("[data-act=add], [data-palette-search]")?.focus();
      },
      ...Object.fromEntries(Object.entries(commands.align).map(([name, run]) => [`align-${name}`, run])),
      ...Object.fromEntries(Object.entries(commands.distribute).map(([name, run]) => [`distribute-${name}`, run])),
    };
  }

  /** What few sittings need comes when it is asked for. */
  const rarer = () => import("./rarer.js").catch(() => announce("The server does not answer. The keys work all the same."));

  return { add, write, note, group, open, publish, acts };
}

function cycleEdges(surface, announce) {
  const active = surface.stage.active();
  const current = surface.edge();
  const edges = [...(active?.out ?? []), ...(active?.into ?? [])].filter((edge) => !edge.from.disc);
  if (!edges.length) return announce("This step has no edges.");
  const next = edges[(edges.indexOf(current) + 1) % edges.length];
  surface.chooseEdge(next);
  announce(`Edge from ${next.from.name} to ${next.to.name}${next.label ? `, ${next.label}` : ""}, ${edges.indexOf(next) + 1} of ${edges.length}. Delete cuts it, I inserts a step.`);
}

function sibling(surface, step) {
  const active = surface.stage.active();
  const parent = active?.into[0]?.from;
  if (!parent) return;
  const row = [...new Set(parent.out.map((edge) => edge.to))].sort((a, b) => a.y - b.y || a.x - b.x);
  const next = row[row.indexOf(active) + step];
  if (next) surface.focus(next.key);
}

function onScreen(surface, box) {
  const { x, y, k } = surface.viewport.view;
  return { x: box.x * k + x, y: box.y * k + y, w: box.w * k, h: box.h * k };
}

function boxOf(nodes) {
  if (!nodes.length) return null;
  const [x, y] = [Math.min(...nodes.map((node) => node.x)), Math.min(...nodes.map((node) => node.y))];
  return { x, y, w: Math.max(...nodes.map((node) => node.x + node.w)) - x, h: Math.max(...nodes.map((node) => node.y + node.h)) - y };
}
