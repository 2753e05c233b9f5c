/** The selected steps become a workflow of their own, and one step that starts it stands in their place. The server does it: the new workflow is made there, or nothing is. */
import { show as toast } from "../toasts.js";
import { tasksOf } from "./document.js";
import { pick } from "./picker.js";

const MOST_NAME = 200;

/** @param {any} parts see main.js */
export async function extract({ surface: surfaceOf, session, commands, announce, data }) {
  const steps = commands.keys();
  if (steps.length < 2) return announce("Select two steps or more.");
  const found = await pick({
    title: `Extract ${steps.length} steps to a workflow`,
    placeholder: "What the new workflow is called",
    items: [],
    typed: (text) => (text ? [{ id: text.slice(0, MOST_NAME), label: `Make the workflow “${text.slice(0, MOST_NAME)}”`, icon: "i-workflow" }] : []),
    empty: "It is published at once, and a step that starts it takes their place.",
  });
  if (!found) return;
  if (!(await session.flush())) return announce("Wait until the draft is saved.");
  if (steps.some((key) => !tasksOf(session.draft())[key])) return announce("Somebody has taken some of these steps away meanwhile.");
  const name = found.item.id;
  const answer = await send(data, { base_rev: session.rev(), steps, name, step: wish(name), batch: batchName() });
  if (!answer?.step) return refused(answer);
  await session.catchUp(true);
  // The labels and buttons that follow the draft's revision.
  session.events.dispatchEvent(new CustomEvent("status", { detail: { state: "saved", waiting: 0, rev: session.rev(), canUndo: answer.can_undo, canRedo: answer.can_redo, at: new Date() } }));
  surfaceOf().select([answer.step]);
  surfaceOf().focus(answer.step);
  const said = [`${steps.length} steps are now the workflow ${answer.name}.`, ...answer.notes, "Undo brings them back here; the new workflow stays."].join(" ");
  announce(said);
  tell(said, answer.url, data.key);
}

/** Sent twice if need be: under one name it is done once. */
async function send(data, body) {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const response = await fetch(`${data.api}/extract`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": data.csrf, Accept: "application/json" },
        credentials: "same-origin",
        body: JSON.stringify(body),
      });
      return await response.json();
    } catch {
      // The answer was lost, perhaps not what it answered.
    }
  }
  return null;
}

function refused(answer) {
  const why = answer?.disputes ? "Somebody has changed the draft meanwhile. Look at it and do it again." : (answer?.error?.message ?? "The server does not answer. Try again in a moment.");
  toast(`Nothing was extracted. ${why}`, "failed");
}

function tell(text, url, from) {
  toast(text, "success");
  const link = document.createElement("a");
  Object.assign(link, { className: "link", href: `${url}?from=${encodeURIComponent(from)}`, textContent: "Open it" });
  document.querySelector("#toasts [data-toast]:last-child p")?.append(" ", link);
}

/** A key made of the name, as of steps that are added. */
function wish(name) {
  return name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 60);
}

function batchName() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(36).padStart(2, "0")).join("");
}
