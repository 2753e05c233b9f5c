/** From a draft, which may be wrong in any way, to what the canvas draws. Says the same as the server does of published versions. */
import { needsOf, tasksOf } from "./document.js";

const LONGEST_LABEL = 24;
const SAID = [
  [" == true", ""],
  [" == ", " is "],
  [" != ", " is not "],
  [" >= ", " ≥ "],
  [" <= ", " ≤ "],
  [" && ", " and "],
  [" || ", " or "],
  ['"', ""],
  ["'", ""],
];
const PLACE = /\b(?:tasks\.[\w-]+\.output|tasks\.[\w-]+|params|workflow\.metadata)\./g;
const CODE = /\.error\.code\s*==\s*["'](\w+)["']/;
const FAILED_BY = { expired: "not decided in time", timeout: "timed out", rejected: "rejected" };
const FAILURE = /\.error\b|\.status\s*==\s*["']failed["']|["']failed["']\s*==/;
const UNKNOWN = { label: "no action", kind: "work", icon: "i-triangle-alert" };
export const GROUP = "\u0000group:";

/**
 * @typedef {{name: string, label: string, kind: "work"|"person"|"condition", icon: string}} ActionInfo
 * @typedef {{key: string, path: string, code: string, message: string, hint?: string, severity: "error"|"warning"}} Problem
 *
 * @param {any} draft
 * @param {Record<string, ActionInfo>} actions by name
 * @param {Map<string, Problem[]>} problems by task
 * @returns {import("../canvas/types.js").GraphData}
 */
export function graphOf(draft, actions, problems = new Map()) {
  const keys = Object.keys(tasksOf(draft));
  const folded = foldedGroups(draft);
  const at = (key) => folded.get(key) ?? key;
  const nodes = keys.filter((key) => !folded.has(key)).map((key) => nodeOf(draft, key, actions, problems.get(key) ?? []));
  for (const group of new Set(folded.values())) nodes.push(foldedNode(draft, group, [...folded].filter(([, id]) => id === group).map(([key]) => key)));
  return { nodes, edges: edgesOf(draft, keys, at) };
}

function edgesOf(draft, keys, at) {
  const edges = new Map();
  for (const key of keys) {
    for (const origin of new Set(needsOf(draft, key))) {
      if (!tasksOf(draft)[origin] || at(origin) === at(key)) continue;
      const edge = { ...edgeOf(draft, key, origin), from: at(origin), to: at(key) };
      const name = `${edge.from}\n${edge.to}`;
      if (!edges.has(name)) edges.set(name, edge);
    }
  }
  return [...edges.values()];
}

function nodeOf(draft, key, actions, problems) {
  const task = asMap(tasksOf(draft)[key]);
  const action = Object.hasOwn(actions, task.action) ? actions[task.action] : UNKNOWN;
  const worst = problems.find((one) => one.severity === "error") ?? problems[0];
  return {
    key,
    name: typeof task.name === "string" && task.name ? task.name : key,
    kind: action.kind,
    icon: action.icon,
    agent: agentOf(task),
    note: noteOf(task, action),
    position: positionOf(task.position),
    problem: worst ? worst.message : undefined,
    severity: worst?.severity,
  };
}

function noteOf(task, action) {
  return action === UNKNOWN && task.action ? `${task.action}, unknown` : action.label;
}

function agentOf(task) {
  const agent = typeof task.agent_id === "string" && task.agent_id ? task.agent_id : "system";
  return task.action !== "agent_task" || agent === "system" || agent.includes("{{") ? "" : agent;
}

function positionOf(at) {
  return Number.isFinite(at?.x) && Number.isFinite(at?.y) ? { x: at.x, y: at.y } : undefined;
}

function edgeOf(draft, key, origin) {
  const condition = conditionOn(draft, key, origin);
  if (!condition) return { label: "", kind: "dependency" };
  if (!FAILURE.test(condition)) return { label: inWords(condition), kind: "condition" };
  const code = condition.match(CODE)?.[1];
  return { label: code ? (FAILED_BY[code] ?? `on ${code.replaceAll("_", " ")}`) : "on failure", kind: "failure" };
}

function conditionOn(draft, key, origin) {
  const given = tasksOf(draft)[key]?.conditions;
  const conditions = (Array.isArray(given) ? given : []).map((one) => (typeof one === "string" ? one : String(asMap(one).expression ?? "")));
  const named = conditions.filter((one) => names(one, origin));
  const loose = conditions.filter((one) => !needsOf(draft, key).some((other) => names(one, other)));
  return [...named, ...loose][0] ?? "";
}

function names(condition, key) {
  return new RegExp(`\\btasks\\.${key.replaceAll("-", "\\-")}(?![\\w-])`).test(condition);
}

/** A condition as a person says it. */
function inWords(condition) {
  let said = condition.replace(PLACE, "");
  for (const [code, word] of SAID) said = said.replaceAll(code, word);
  said = said.trim();
  return [...said].length > LONGEST_LABEL ? `${[...said].slice(0, LONGEST_LABEL - 1).join("").trimEnd()}…` : said;
}

// Groups

/** @returns {Record<string, {name?: string, tasks?: string[], folded?: boolean, color?: string}>} */
export function groupsOf(draft) {
  return asMap(asMap(asMap(draft?.metadata).canvas).groups);
}

/** @returns {Record<string, {text?: string, x?: number, y?: number, width?: number, height?: number, color?: string}>} */
export function notesOf(draft) {
  return asMap(asMap(asMap(draft?.metadata).canvas).notes);
}

function foldedGroups(draft) {
  const found = new Map();
  for (const [id, group] of Object.entries(groupsOf(draft))) {
    if (group?.folded) for (const key of group.tasks ?? []) if (tasksOf(draft)[key] && !found.has(key)) found.set(key, GROUP + id);
  }
  return found;
}

function foldedNode(draft, group, keys) {
  const info = groupsOf(draft)[group.slice(GROUP.length)];
  const places = keys.map((key) => positionOf(tasksOf(draft)[key]?.position)).filter(Boolean);
  const mean = (axis) => Math.round(places.reduce((sum, at) => sum + at[axis], 0) / places.length);
  return {
    key: group,
    name: info?.name || "Group",
    kind: "work",
    icon: "i-group",
    note: `${keys.length} steps, folded`,
    position: places.length ? { x: mean("x"), y: mean("y") } : undefined,
  };
}

function asMap(value) {
  return value && typeof value === "object" && !Array.isArray(value) ? value : {};
}
