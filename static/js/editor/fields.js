/**
 * What was changed in a control of the inspector, as operations on the draft. Pure but for reading the control: what its
 * data attributes mean stands in templates/editor/_control_data.html. What cannot be read becomes an error in words, and
 * stays in the control as it was typed.
 *
 * @typedef {{op: string} & Record<string, unknown>} Operation
 * @typedef {{key: string|null, value: object}} Place the task's key and what the draft holds of it; without a key the draft
 */

class Unreadable extends Error {}

/**
 * @param {HTMLElement} control that has changed, or the button that was pressed
 * @param {Place} place
 * @returns {Operation[]|{error: string}} no operation where nothing differs
 */
export function operationsOf(control, place) {
  try {
    const { op } = control.dataset;
    if (op) return OWN[op](control, place);
    const held = holder(control);
    const path = JSON.parse(held.dataset.path);
    if (held.dataset.kind === "others") return others(held, path.slice(0, -1), place);
    if (held.dataset.kind === "parameter") return renamedParameter(held.value.trim(), path[1], place);
    return assigned(path, valueOf(held), place);
  } catch (error) {
    if (error instanceof Unreadable) return { error: error.message };
    throw error;
  }
}

/** The control, or the group of which it is a part: of groups within groups the outermost, which is a field of the draft. */
export function holder(control) {
  const group = control.closest("fieldset[data-kind]");
  const around = group?.parentElement.closest("fieldset[data-kind]");
  return around ? holder(around) : (group ?? control);
}

/** What a person calls the field. */
export function nameOf(control) {
  const held = holder(control);
  const label = held.querySelector("legend") ?? held.closest(".field")?.querySelector("label > span");
  return label?.textContent.trim() || control.getAttribute("aria-label") || "field";
}

const OWN = {
  rename(control, { key }) {
    const to = control.value.trim();
    if (!to) throw new Unreadable("A step needs a key.");
    return to === key ? [] : [{ op: "rename", key, to }];
  },
  action(control, { key, value }) {
    return !control.value || control.value === value.action ? [] : [{ op: "action", key, action: control.value }];
  },
  /** Another action drops the parameters that were meant for the one before. */
  compensation(control, place) {
    const agent = place.value.compensation?.agent_id;
    const value = control.value ? { action: control.value, ...(agent ? { agent_id: agent } : {}) } : undefined;
    return control.value === (place.value.compensation?.action ?? "") ? [] : assigned(["compensation"], value, place);
  },
  connect: (control, { key }) => (control.value ? [{ op: "connect", from: control.value, to: key }] : []),
  disconnect: (control, { key }) => [{ op: "disconnect", from: control.dataset.from, to: key }],
  "add-parameter"(control, { value }) {
    const name = parameterName(control.value.trim(), value);
    return [{ op: "set", field: ["parameters", name], value: { type: "string" } }];
  },
  "remove-parameter": (control) => [{ op: "unset", field: ["parameters", control.dataset.name] }],
};

/** Setting or taking away one field. A map that would be left empty goes with its last member. */
function assigned(path, value, { key, value: before }) {
  const at = key === null ? {} : { key };
  const was = got(before, path);
  if (same(was, value) || (value === undefined && isEmpty(was))) return [];
  if (value !== undefined) return [{ op: "set", ...at, field: path, value }];
  const around = path.length === 2 ? got(before, path.slice(0, 1)) : null;
  const alone = around && Object.keys(around).length === 1;
  return [{ op: "unset", ...at, field: alone ? path.slice(0, 1) : path }];
}

function got(value, path) {
  return path.reduce((found, name) => (found !== null && typeof found === "object" && Object.hasOwn(found, name) ? found[name] : undefined), value);
}

function isEmpty(value) {
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The value that was entered; undefined where the field is empty. */
function valueOf(control) {
  const { kind } = control.dataset;
  if (kind in GROUPS) return GROUPS[kind](control);
  const text = control.value;
  if (!text.trim()) {
    if (control.getAttribute("aria-required") && control.dataset.scope === "workflow") throw new Unreadable("This cannot be empty.");
    return undefined;
  }
  if ("orTemplate" in control.dataset && isTemplate(text)) return text.trim();
  return (READ[kind] ?? READ.text)(text, control.dataset);
}

const READ = {
  text: (text) => text,
  choice: (text) => text,
  boolean: (text) => text === "true",
  lines: (text) => text.split("\n").map((line) => line.trim()).filter(Boolean),
  names: (text) => (isTemplate(text) ? text.trim() : [...new Set(text.split(",").map((name) => name.trim()).filter(Boolean))]),
  number(text) {
    const number = Number(text.trim());
    if (!Number.isFinite(number)) throw new Unreadable(`“${cut(text)}” is not a number. Write it like 2.5.`);
    return number;
  },
  integer(text) {
    const number = Number(text.trim());
    if (!Number.isSafeInteger(number)) throw new Unreadable(`“${cut(text)}” is not a whole number.`);
    return number;
  },
  json: (text, { json }) => readJson(text, json),
  /** Text needs no quotes unless it would read as something else. As in editor/steps.py. */
  loose(text) {
    try {
      return JSON.parse(text, exactly);
    } catch (error) {
      if (error instanceof Unreadable || /^\s*[{["]/.test(text)) return readJson(text, "any");
      return text.trim();
    }
  },
};

const WANTED = {
  list: [Array.isArray, "a JSON list: [ … ]"],
  map: [(value) => value !== null && typeof value === "object" && !Array.isArray(value), "a JSON map: { … }"],
};

function readJson(text, wanted) {
  let value;
  try {
    value = JSON.parse(text, exactly);
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    const quoted = /^[\s]*["{[]/.test(text) ? "" : ` Text stands in quotes: ${cut(JSON.stringify(text.trim()))}.`;
    throw new Unreadable(`This is not JSON: ${placeOf(error.message, text)}.${quoted}`);
  }
  const [isRight, said] = WANTED[wanted] ?? [() => true];
  if (!isRight(value)) throw new Unreadable(`This must be ${said}.`);
  return value;
}

/** A browser rounds numbers of very many digits without a word. */
function exactly(_name, value, context) {
  const digits = context?.source;
  if (typeof value === "number" && digits && /^-?\d+$/.test(digits) && !Number.isSafeInteger(value)) {
    throw new Unreadable(`${cut(digits)} has too many digits to be kept exactly. Put it in quotes.`);
  }
  return value;
}

/** The message of the browser with the line and column that it counts in characters. */
function placeOf(message, text) {
  const found = /position (\d+)/.exec(message);
  const said = message.replace(/,? *(\.\.\.)?".*" is not valid JSON/s, "").replace(/ in JSON at position.*/s, "").replace(/\.$/, "");
  if (!found) return said;
  const before = text.slice(0, Number(found[1])).split("\n");
  return `${said} at line ${before.length}, column ${before.at(-1).length + 1}`;
}

/** Whether this text stands for a value that is filled in later; JSON whose strings hold {{ }} is JSON. As in editor/steps.py. */
export function isTemplate(text) {
  return text.includes("{{") && (text.trim().startsWith("{{") || !/^\s*[{["]/.test(text));
}

const GROUPS = {
  items(group) {
    const found = members(group).flatMap(({ text, around }) => (text ? [around ? { ...JSON.parse(around), expression: text } : text] : []));
    return found.length ? found : undefined;
  },
  pairs(group) {
    const found = {};
    for (const { name, text } of members(group)) {
      if (!name && !text) continue;
      if (!name) throw new Unreadable("Each expression needs a name.");
      if (Object.hasOwn(found, name)) throw new Unreadable(`There are two of the name ${cut(name)}.`);
      if (name === "__proto__") throw new Unreadable("This name cannot be used.");
      found[name] = text;
    }
    return Object.keys(found).length ? found : undefined;
  },
  cards(group) {
    const cards = [...group.querySelectorAll(":scope > [data-members] > [data-member]")];
    const found = cards.map(cardOf).filter((card) => Object.keys(card).length);
    return found.length ? found : undefined;
  },
  failure(group) {
    const action = group.querySelector("input:checked")?.value;
    const part = (name) => group.querySelector(`[data-part="${name}"]`)?.value ?? "";
    const more = { ...(part("checkpoint") && { checkpoint: part("checkpoint") }), ...(part("then") && { then: part("then") }) };
    return action === "rollback" && Object.keys(more).length ? { action, ...more } : action;
  },
  checkpoint(group) {
    const name = group.querySelector('[data-part="name"]').value.trim();
    return group.querySelector('[data-part="on"]').checked ? name || true : undefined;
  },
};

/** The map of one card: its fields as they were entered, in the order in which they stood, and what has no control as it was. */
function cardOf(card, number) {
  const found = JSON.parse(card.dataset.before);
  for (const part of card.querySelectorAll("[data-path]")) {
    if (part.closest("[data-member]") !== card) continue; // of a card within it
    const name = JSON.parse(part.dataset.path).at(-1);
    const value = valueOfPart(part, number);
    if (value !== undefined) found[name] = value;
    else if (!isEmpty(found[name] ?? null)) delete found[name];
  }
  return found;
}

function valueOfPart(part, number) {
  try {
    return valueOf(part);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const label = part.closest(".field").querySelector(":scope > legend, label > span").textContent.trim();
    throw new Unreadable(`${label} of number ${number + 1}: ${error.message}`);
  }
}

function members(group) {
  return [...group.querySelectorAll("[data-members] > [data-member]")].map((row) => {
    const field = row.querySelector("[data-member-text]");
    return { text: field.value.trim(), around: field.dataset.around, name: row.querySelector("[data-member-name]")?.value.trim() ?? "" };
  });
}

/** The parameters that have no control of their own, each an operation by itself. */
function others(control, path, place) {
  const known = new Set(JSON.parse(control.dataset.known));
  const before = got(place.value, path) ?? {};
  const after = control.value.trim() ? readJson(control.value, "map") : {};
  const twice = Object.keys(after).find((name) => known.has(name));
  if (twice) throw new Unreadable(`${cut(twice)} has a field of its own.`);
  const names = new Set([...Object.keys(before), ...Object.keys(after)].filter((name) => !known.has(name)));
  return [...names].flatMap((name) => assigned([...path, name], after[name], place));
}

function renamedParameter(to, name, { value }) {
  if (to === name) return [];
  const spec = value.parameters[name];
  return [
    { op: "set", field: ["parameters", parameterName(to, value)], value: spec },
    { op: "unset", field: ["parameters", name] },
  ];
}

function parameterName(name, draft) {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)) throw new Unreadable("A name is a letter, then letters, digits or _.");
  if (Object.hasOwn(draft.parameters ?? {}, name)) throw new Unreadable(`There is an input ${name} already.`);
  return name;
}

function cut(text) {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
