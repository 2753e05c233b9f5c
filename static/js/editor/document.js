/**
 * A draft as the browser keeps it: plain JSON, changed by copying what lies on the way. `withChanges` carries out what the
 * server answers, exactly; `applied` shows what an operation will come to until the server has answered.
 */

/** @typedef {{op: string} & Record<string, any>} Operation */
/** @typedef {{path: string[], was?: any, now?: any, at?: number, order?: boolean, container?: boolean}} Change */

/** @param {any} document @param {string[]} path @returns {any} undefined where there is nothing */
export function got(document, path) {
  let value = document;
  for (const key of path) {
    if (Array.isArray(value)) value = value.includes(key) ? true : undefined;
    else if (value && typeof value === "object" && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

/** The document with this value there, as the `at`-th of its siblings if it is new; maps on the way are made. */
export function put(document, path, value, at) {
  return changed(document ?? {}, path, (members) => {
    if (members.has(path.at(-1)) || at === undefined || at >= members.size) return new Map(members).set(path.at(-1), value);
    const items = [...members];
    items.splice(at, 0, [path.at(-1), value]);
    return new Map(items);
  });
}

export function without(document, path) {
  if (got(document, path) === undefined) return document;
  return changed(document, path, (members) => {
    const rest = new Map(members);
    rest.delete(path.at(-1));
    return rest;
  });
}

/** The members there that are named stand in this order, on the places which they had between them. */
export function inOrder(document, path, keys) {
  const value = got(document, path);
  if (!value || typeof value !== "object") return document;
  const members = membersOf(value);
  const queue = keys.filter((key) => members.has(key));
  const taken = new Set(queue);
  const next = queue.values();
  const ordered = new Map([...members.keys()].map((key) => (taken.has(key) ? next.next().value : key)).map((key) => [key, members.get(key)]));
  return path.length ? put(document, path, like(value, ordered)) : like(value, ordered);
}

function membersOf(value) {
  return new Map(Array.isArray(value) ? value.map((one) => [one, true]) : Object.entries(value ?? {}));
}

function like(value, members) {
  return Array.isArray(value) ? [...members.keys()] : Object.fromEntries(members);
}

function changed(document, path, change) {
  if (path.length === 1) return like(document, change(membersOf(document)));
  const [first, ...rest] = path;
  const inner = document?.[first];
  return { ...document, [first]: changed(inner && typeof inner === "object" ? inner : {}, rest, change) };
}

/** @param {any} document @param {Change[]} changes as the server gives them */
export function withChanges(document, changes) {
  return changes.reduce(carriedOut, document);
}

function carriedOut(document, change) {
  if (change.order) return inOrder(document, change.path, change.now);
  if (change.container && "now" in change && isFilled(got(document, change.path))) return document;
  if (change.container && !("now" in change) && isFilled(got(document, change.path))) return document;
  return "now" in change ? put(document, change.path, change.now, change.at) : without(document, change.path);
}

function isFilled(value) {
  return Boolean(value) && typeof value === "object" && Object.keys(value).length > 0;
}

// What operations come to

export function tasksOf(draft) {
  const tasks = draft?.tasks;
  return tasks && typeof tasks === "object" && !Array.isArray(tasks) ? tasks : {};
}

export function needsOf(draft, key) {
  const needs = tasksOf(draft)[key]?.dependencies;
  return Array.isArray(needs) ? needs.filter((one) => typeof one === "string") : [];
}

function followersOf(draft, key) {
  return Object.keys(tasksOf(draft)).filter((other) => needsOf(draft, other).includes(key));
}

/** @type {Record<string, (draft: any, operation: any) => any>} */
const MEANING = {
  add: (draft, { key, task, before }) => put(draft, ["tasks", key], task, before ? Object.keys(tasksOf(draft)).indexOf(before) : undefined),
  remove: (draft, { key }) => removed(draft, key),
  remove_joined: (draft, { key }) => removed(joined(draft, key), key),
  connect: (draft, { from, to }) => withNeeds(draft, to, [...needsOf(draft, to), from]),
  disconnect: (draft, { from, to }) => withNeeds(draft, to, needsOf(draft, to).filter((one) => one !== from)),
  splice: (draft, { key, from, to }) => {
    let next = MEANING.disconnect(draft, { from, to });
    if (!needsOf(next, key).includes(from)) next = MEANING.connect(next, { from, to: key });
    return needsOf(next, to).includes(key) ? next : MEANING.connect(next, { from: key, to });
  },
  set: (draft, { key, field, value }) => put(draft, [...place(key), ...field], value),
  unset: (draft, { key, field }) => without(draft, [...place(key), ...field]),
  rename: (draft, { key, to }) => renamed(draft, key, to),
  action: (draft, { key, action, parameters }) => {
    const bare = without(put(draft, ["tasks", key, "action"], action), ["tasks", key, "parameters"]);
    return parameters && Object.keys(parameters).length ? put(bare, ["tasks", key, "parameters"], parameters) : bare;
  },
  move: (draft, { positions }) => {
    const tasks = { ...tasksOf(draft) };
    for (const [key, at] of Object.entries(positions)) {
      if (tasks[key]) tasks[key] = at ? { ...tasks[key], position: at } : without(tasks[key], ["position"]);
    }
    return { ...draft, tasks };
  },
  order: (draft, { key, before }) => {
    const keys = Object.keys(tasksOf(draft)).filter((one) => one !== key);
    const at = before && before !== key ? keys.indexOf(before) : keys.length;
    return before === key ? draft : inOrder(draft, ["tasks"], [...keys.slice(0, at), key, ...keys.slice(at)]);
  },
  note: (draft, { id, note }) => onCanvas(draft, "notes", id, note),
  group: (draft, { id, group }) => onCanvas(draft, "groups", id, group),
  paste: (draft, { tasks, by }) => pasted(draft, tasks, by),
};

function place(key) {
  return key === undefined ? [] : ["tasks", key];
}

function onCanvas(draft, kind, id, value) {
  const path = ["metadata", "canvas", kind, id];
  return value === null ? without(draft, path) : put(draft, path, value);
}

function withNeeds(draft, key, needs) {
  return tasksOf(draft)[key] ? put(draft, ["tasks", key, "dependencies"], [...new Set(needs)]) : draft;
}

function removed(draft, key) {
  let next = without(draft, ["tasks", key]);
  for (const behind of followersOf(draft, key)) next = MEANING.disconnect(next, { from: key, to: behind });
  return inGroups(next, (keys) => keys.filter((one) => one !== key));
}

function joined(draft, key) {
  let next = draft;
  for (const behind of followersOf(draft, key)) next = withNeeds(next, behind, [...needsOf(next, behind), ...needsOf(draft, key)]);
  return next;
}

function renamed(draft, key, to) {
  const name = (one) => (one === key ? to : one);
  const tasks = Object.fromEntries(Object.entries(tasksOf(draft)).map(([one, task]) => [
    name(one),
    Array.isArray(task?.dependencies) && task.dependencies.includes(key) ? { ...task, dependencies: task.dependencies.map(name) } : task,
  ]));
  return inGroups({ ...draft, tasks }, (keys) => keys.map(name));
}

function inGroups(draft, change) {
  let next = draft;
  for (const [id, group] of Object.entries(got(draft, ["metadata", "canvas", "groups"]) ?? {})) {
    if (Array.isArray(group?.tasks)) next = put(next, ["metadata", "canvas", "groups", id, "tasks"], change(group.tasks));
  }
  return next;
}

/** Under keys that are free, as the server will choose them; connections only among themselves. */
function pasted(draft, tasks, by) {
  const names = freshKeys(Object.keys(tasks), tasksOf(draft));
  const copies = Object.entries(tasks).map(([key, task]) => {
    const copy = { ...task };
    if (Array.isArray(task.dependencies)) copy.dependencies = task.dependencies.filter((one) => one in names).map((one) => names[one]);
    if (task.position && by) copy.position = { x: task.position.x + by.x, y: task.position.y + by.y };
    return [names[key], copy];
  });
  return { ...draft, tasks: { ...tasksOf(draft), ...Object.fromEntries(copies) } };
}

/** For each wanted key itself, or where that is taken the next that is free: load, load-2, load-3. @returns {Record<string, string>} */
export function freshKeys(wanted, taken) {
  const used = new Set(Object.keys(taken));
  const names = {};
  for (const key of wanted) {
    names[key] = used.has(key) ? numbered(key, used) : key;
    used.add(names[key]);
  }
  return names;
}

function numbered(key, used) {
  const [, stem, digits] = key.match(/^(.+?)-?(\d+)$/) ?? [null, key, "1"];
  for (let number = Number(digits) + 1; ; number += 1) {
    const name = `${stem.slice(0, 64 - 1 - String(number).length)}-${number}`;
    if (!used.has(name)) return name;
  }
}

/**
 * What these operations will have made of the draft. What cannot be done leaves it as it is: the server will say why.
 * @param {any} draft @param {Operation[]} operations
 */
export function applied(draft, operations) {
  return operations.reduce((document, operation) => {
    try {
      return MEANING[operation.op]?.(document, operation) ?? document;
    } catch {
      return document;
    }
  }, draft);
}

/**
 * Why no edge may lead from one task to the other, in words; empty when it may.
 * @param {any} draft @param {string} from @param {string} to
 */
export function refusal(draft, from, to) {
  const name = (key) => tasksOf(draft)[key]?.name || key;
  if (from === to) return "A step cannot wait for itself.";
  if (needsOf(draft, to).includes(from)) return `${name(to)} runs after ${name(from)} already.`;
  const trail = way(draft, to, from);
  if (!trail.length) return "";
  return `They would wait for each other: ${[...trail, to].map(name).join(" → ")}.`;
}

/** The shortest way along edges from one task to another; empty when there is none. */
function way(draft, from, to) {
  const cameFrom = new Map([[to, null]]);
  for (const key of cameFrom.keys()) {
    if (key === from) break;
    for (const before of needsOf(draft, key)) if (!cameFrom.has(before)) cameFrom.set(before, key);
  }
  if (!cameFrom.has(from)) return [];
  const trail = [];
  for (let key = from; key !== null; key = cameFrom.get(key)) trail.push(key);
  return trail;
}
