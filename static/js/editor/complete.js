/**
 * Names for controls with `data-expression`: typing `{{`, or a name in an expression, lists what may stand there with what it
 * was in the last run. Arrows choose, Enter or Tab takes, Escape closes, Ctrl+Space opens.
 */
import { createResults, write } from "./result.js";

const MOST = 40; // names shown at once
const NAME = /[A-Za-z_][\w.]*$/;

/**
 * @param {HTMLElement} element whose content may be replaced: then `settle`, and `forget` when the draft has changed
 * @param {{task: () => string|null, announce: (text: string) => void}} options
 */
export function attachCompletion(element, options) {
  const list = document.createElement("ul");
  Object.assign(list, { id: "inspect-names", className: "names", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Names known here");
  const state = { element, options, list, control: null, names: null, shown: [], at: -1, taken: false };
  const results = createResults(element, options);
  const listeners = {
    input: ({ target }) => {
      if (!isExpression(target)) return;
      results.soon(target);
      if (!state.taken) suggest(state, target);
      state.taken = false;
    },
    focusin: ({ target }) => isExpression(target) && results.soon(target),
    focusout: () => close(state),
    keydown: (event) => onKey(state, event),
    mousedown: (event) => pick(state, event),
    click: (event) => results.mend(event),
  };
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener, name === "keydown");
  return {
    settle: () => results.settle(),
    forget() {
      state.names = null;
    },
    destroy() {
      close(state);
      results.destroy();
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener, name === "keydown");
    },
  };
}

function isExpression(target) {
  return target instanceof HTMLElement && "expression" in target.dataset;
}

/** What is being typed at the caret; null where no name can stand. */
function typedAt(control) {
  const before = control.value.slice(0, control.selectionStart ?? 0);
  const whole = control.dataset.expression === "expression";
  const open = before.lastIndexOf("{{");
  if (!whole && (open < 0 || before.indexOf("}}", open) >= 0)) return null;
  const [name] = NAME.exec(before.slice(whole ? 0 : open + 2)) ?? [""];
  return { name, whole, start: before.length - name.length, end: before.length };
}

async function suggest(state, control, asked = false) {
  const typed = typedAt(control);
  if (!typed || (!typed.name && typed.whole && !asked)) return close(state);
  const names = await namesOf(state);
  if (document.activeElement !== control) return undefined;
  const now = typedAt(control);
  const found = now ? matching(names, control, now.name) : [];
  return found.length > (found[0]?.name === now?.name ? 1 : 0) ? open(state, control, found) : close(state);
}

/** Fetched when first needed; what the server does not answer is no reason not to type on. */
async function namesOf(state) {
  const { known } = state.element.querySelector(".inspect")?.dataset ?? {};
  if (!known) return [];
  state.names ??= fetch(known, { headers: { Accept: "application/json" } })
    .then((reply) => (reply.ok ? reply.json() : { names: [], functions: [] }))
    .then(({ names, functions }) => [...names, ...functions.map(({ name, usage }) => ({ name: `${name}(`, about: usage }))])
    .catch(() => []);
  return state.names;
}

function matching(names, control, typed) {
  const text = typed.toLowerCase();
  const undoing = control.dataset.path?.startsWith('["compensation"');
  const fits = ({ only }) => !only || (only === "secrets" ? "secrets" in control.dataset : undoing);
  const found = names.filter((one) => fits(one) && one.name.toLowerCase().includes(text));
  const rank = ({ name }) => (name === typed ? 0 : name.toLowerCase().startsWith(text) ? 1 : 2);
  return found.sort((one, other) => rank(one) - rank(other)).slice(0, MOST);
}

function open(state, control, found) {
  const { list } = state;
  if (state.control !== control) {
    close(state);
    state.control = control;
    (control.closest(".member") ?? control.closest(".field")).append(list);
    describe(control, true);
  }
  state.shown = found;
  list.replaceChildren(...found.map(optionOf));
  list.hidden = false;
  choose(state, 0);
  state.options.announce?.(`${found.length} name${found.length === 1 ? "" : "s"}`);
}

function optionOf({ name, about, value }, index) {
  const option = document.createElement("li");
  option.id = `inspect-name-${index}`;
  option.dataset.name = index;
  option.setAttribute("role", "option");
  const called = document.createElement("b");
  called.textContent = name;
  const said = document.createElement("span");
  said.textContent = value ?? about;
  said.className = value === undefined ? "muted" : "mono";
  option.title = about;
  option.append(called, said);
  return option;
}

function choose(state, at) {
  const options = [...state.list.children];
  state.at = (at + options.length) % options.length;
  for (const [index, option] of options.entries()) option.setAttribute("aria-selected", String(index === state.at));
  const chosen = options[state.at];
  state.control.setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

/** A textarea keeps its role, which knows no aria-expanded. */
function describe(control, on) {
  const combobox = control.matches("input");
  if (combobox) control.setAttribute("role", "combobox");
  if (combobox) control.setAttribute("aria-expanded", String(on));
  control.setAttribute("aria-autocomplete", "list");
  if (on) return control.setAttribute("aria-controls", "inspect-names");
  control.removeAttribute("aria-activedescendant");
  return control.removeAttribute("aria-controls");
}

function close(state) {
  if (!state.control) return;
  describe(state.control, false);
  state.list.hidden = true;
  state.list.remove();
  state.control = null;
}

function onKey(state, event) {
  const { target, key } = event;
  if (!isExpression(target)) return;
  if (key === " " && event.ctrlKey) {
    event.preventDefault();
    suggest(state, target, true);
  }
  const act = state.control === target && KEYS[key];
  if (!act || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation();
  act(state);
}

const KEYS = {
  ArrowDown: (state) => choose(state, state.at + 1),
  ArrowUp: (state) => choose(state, state.at - 1),
  Enter: (state) => take(state, state.shown[state.at]),
  Tab: (state) => take(state, state.shown[state.at]),
  Escape: close,
};

function pick(state, event) {
  const option = event.target.closest?.("#inspect-names [data-name]");
  if (!option) return;
  event.preventDefault(); // the control keeps the focus
  take(state, state.shown[Number(option.dataset.name)]);
}

/** Puts the name where the typing was, and the braces around it where they are not closed yet. */
function take(state, { name }) {
  const { control } = state;
  const { start, end, whole } = typedAt(control);
  const before = control.value.slice(0, start);
  const after = control.value.slice(end);
  const isClosed = whole || name.endsWith("(") || /^[^{]*?}}/.test(after);
  close(state);
  state.taken = true; // else the list would open again for longer names, and Tab never leave
  write(control, start, end, `${!whole && before.endsWith("{{") ? " " : ""}${name}${isClosed ? "" : " }}"}`);
}
