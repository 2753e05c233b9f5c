/** What few sittings need: the list of commands to choose from, the sheet of keys, the way into another workflow and the making of one. */
import { open as openDialog } from "../dialog.js";
import { KEYS } from "./keys.js";
import { pick } from "./picker.js";

export { extract } from "./extract.js";

/** What the browser itself makes events of, and the arrows. */
const BROWSERS = [
  ["mod+c", "Copy"],
  ["mod+x", "Cut"],
  ["mod+v", "Paste"],
  ["Arrows", "Go to the nearest step, along edges first"],
  ["shift+Arrows", "Extend the selection"],
  ["mod+Arrows", "Move the selection by one grid step, with Shift by four"],
];

/** What each command is called; those after the first empty line have no key. */
const WORDS = {
  open: "Open the settings of the step",
  back: "Back: out of settings, connecting, selection",
  first: "First step",
  last: "Last step",
  earlier: "Previous step of the same branch point",
  later: "Next step of the same branch point",
  toggle: "Select or deselect the step",
  all: "Select everything",
  upstream: "Select all that runs before",
  downstream: "Select all that runs after",
  add: "Add a step after the selection",
  insert: "Insert a step into the chosen edge",
  connect: "Connect to another step",
  edges: "Go through the edges of the step",
  move: "Move to…: arrows or one click place it",
  group: "Group the selection, or dissolve the group",
  tidy: "Tidy the selection, or everything",
  remove: "Delete",
  join: "Delete and join the neighbours",
  undo: "Undo",
  redo: "Redo",
  duplicate: "Duplicate",
  rename: "Rename in place",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  actual: "100 %",
  fit: "Show everything",
  fitSelection: "Show the selection",
  find: "Find a step",
  publish: "Publish",
  commands: "All commands",
  sheet: "This list",

  fold: "Fold or unfold the group",
  changeAction: "Change what the step does, keeping its connections",
  openWorkflow: "Open the workflow that the step starts",
  extract: "Extract the selected steps to a workflow",
  note: "Add a note",
  tidyAll: "Tidy everything",
  copy: "Copy",
  "align-left": "Align left",
  "align-centre": "Align centres",
  "align-right": "Align right",
  "align-top": "Align top",
  "align-middle": "Align middles",
  "align-bottom": "Align bottom",
  "distribute-across": "Distribute across",
  "distribute-down": "Distribute down",
};

/** @param {Record<string, () => unknown>} act what each command does */
export async function chooseCommand(act) {
  const keys = new Map();
  for (const [key, name] of KEYS) if (!keys.has(name)) keys.set(name, key);
  const hidden = new Set(["commands", "back", "open"]);
  const found = await pick({
    title: "All commands",
    placeholder: "What to do",
    items: Object.entries(WORDS).filter(([name]) => act[name] && !hidden.has(name)).map(([name, label]) => ({ id: name, label, keys: shortcut(keys.get(name)) })),
    empty: "There is no such command.",
  });
  if (found) act[found.item.id]();
}

function shortcut(keys) {
  const mod = /Mac|iP/.test(navigator.platform) ? "⌘" : "Ctrl";
  return (keys ?? "").replace("mod", mod).replace("shift", "Shift").replace(/\+([a-z])$/, (_, letter) => `+${letter.toUpperCase()}`);
}

export function openSheet() {
  fill(document.querySelector("#shortcuts-dialog [data-shortcuts]"));
  openDialog("shortcuts-dialog");
}

function fill(body) {
  if (body.childElementCount) return;
  for (const [keys, words] of [...KEYS.map(([key, name]) => [key, WORDS[name]]), ...BROWSERS]) {
    const row = document.createElement("div");
    const key = document.createElement("kbd");
    key.textContent = shortcut(keys);
    const term = document.createElement("dt");
    term.append(key);
    const said = document.createElement("dd");
    said.textContent = words;
    row.append(term, said);
    body.append(row);
  }
}

/** Into the workflow that the step starts, with the way back in the breadcrumb. @param {any} parts see main.js */
export async function openWorkflow({ commands, session, announce, data }) {
  const [key] = commands.keys();
  const target = key ? commands.parameter(key, ["workflow_id"]) : null;
  if (!target || target.includes("{{")) return announce("This step names no workflow that could be opened.");
  if (!(await session.flush())) return announce("Wait until the draft is saved.");
  location.assign(`/workflows/${encodeURIComponent(target)}/edit/canvas/?from=${encodeURIComponent(data.key)}`);
}
