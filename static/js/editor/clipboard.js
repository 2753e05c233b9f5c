/** Steps as they travel between tabs and workflows: JSON on the clipboard, without what must not travel. */
import { needsOf, tasksOf } from "./document.js";

const KIND = "baton/steps";
const SECRET = /pass(word|wd)?|secret|token|api[-_]?key|authorization|credential/i;

/**
 * @param {any} draft @param {string[]} keys
 * @returns {{text: string, stripped: number}} `stripped`: values left out because they look like secrets in plain text
 */
export function copied(draft, keys) {
  const inside = new Set(keys);
  const count = { stripped: 0 };
  const tasks = {};
  for (const key of Object.keys(tasksOf(draft)).filter((one) => inside.has(one))) {
    const task = tasksOf(draft)[key];
    tasks[key] = { ...task, dependencies: needsOf(draft, key).filter((one) => inside.has(one)) };
    if (task.parameters) tasks[key].parameters = withoutSecrets(task.parameters, "", count);
  }
  return { text: JSON.stringify({ kind: KIND, tasks }, null, 2), stripped: count.stripped };
}

function withoutSecrets(value, name, count) {
  if (typeof value === "string" && value && SECRET.test(name) && !value.includes("{{")) {
    count.stripped += 1;
    return "";
  }
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, name, count));
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one, key, count)]));
}

/**
 * The tasks in a text: copied here, a whole definition, or a map of tasks.
 * @param {string} text @returns {Record<string, any>|null}
 */
export function pastedTasks(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    return null;
  }
  const tasks = tasksOf(data);
  const found = Object.keys(tasks).length ? tasks : looksLikeTasks(data) ? data : null;
  return found && Object.values(found).every((task) => task && typeof task === "object" && !Array.isArray(task)) ? found : null;
}

function looksLikeTasks(data) {
  return Boolean(data) && typeof data === "object" && !Array.isArray(data) && Object.values(data).some((one) => one && typeof one === "object" && "action" in one);
}
