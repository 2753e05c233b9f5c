/**
 * What a screen reader is told of the canvas: an application that holds a listbox, one option for each task, one of them in
 * the tab order. Options out of sight are put back before they get the focus.
 */
import { WORDS } from "./states.js";

const KINDS = { work: "task", person: "approval", condition: "condition" };
const NAMED = 4;

/** Attributes that never change while the task is on the canvas. */
export function optionAttributes(node, model) {
  if (node.disc) return { "aria-hidden": "true" };
  return {
    role: "option",
    tabindex: "-1",
    "data-key": node.key,
    "aria-selected": "false",
    "aria-setsize": model.order.length,
    "aria-posinset": node.order + 1,
  };
}

/** "Extract data, agent task, 3 of 12, needs Validate, leads to Load, running". */
export function optionName(node, model) {
  const parts = [node.name, (node.note ?? KINDS[node.kind]).toLowerCase(), `${node.order + 1} of ${model.order.length}`];
  const needs = names(node.into.map((edge) => edge.from));
  const leads = names(node.out.map((edge) => edge.to));
  if (needs) parts.push(`needs ${needs}`);
  if (leads) parts.push(`leads to ${leads}`);
  if (node.state) parts.push((node.word ?? WORDS[node.state]).toLowerCase());
  if (node.figure) parts.push(node.figure);
  if (node.problem) parts.push(`problem: ${node.problem}`);
  return parts.join(", ");
}

function names(nodes) {
  const tasks = nodes.filter((node) => !node.disc);
  const more = tasks.length - NAMED;
  const named = tasks.slice(0, NAMED).map((node) => node.name).join(" and ");
  return more > 0 ? `${named} and ${more} more` : named;
}

/**
 * The wrapper's role and name.
 * @param {Element} host
 * @param {import("./model.js").Model} model
 * @param {string} label
 */
export function describeCanvas(host, model, label) {
  const count = model.order.length;
  host.setAttribute("role", "application");
  host.setAttribute("aria-label", `${label}, ${count} ${count === 1 ? "task" : "tasks"}`);
}
