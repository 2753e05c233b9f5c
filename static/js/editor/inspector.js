/**
 * The inspector: fetches the panel of a task (or of the workflow), turns what is changed in it into operations, and keeps
 * what is being typed whatever comes in meanwhile. A control with text that is not sent yet is never replaced.
 */
import { Idiomorph } from "../../vendor/idiomorph-0.8.0.esm.js";
import { attachCompletion } from "./complete.js";
import { holder, nameOf, operationsOf } from "./fields.js";

const QUIET = 150; // ms in which several changes are answered by one fetch
const IDLE = 2000; // ms without a key after which what is typed is sent though the field is not left
const sending = new WeakMap(); // controls on their way to the server, with the text that was sent

/**
 * @param {HTMLElement} element
 * @param {{url: (key: string|null) => string, send: (ops: object[], about: {label: string}) => Promise<unknown>,
 *   readDraft: () => object, announce: (text: string) => void, tabs: {settle: () => void, reveal: (target: Element) => void}, onClose?: () => void}} options `send` rejects with an error
 *   whose message is shown beside the field
 */
export function mountInspector(element, options) {
  const kept = new Map(); // what could not be sent, by task and place: shown again when the task is
  const panel = { element, options, kept, shown: undefined, stale: false, timer: 0, idle: 0, fetching: 0, sends: 0, then: null, pending: new Set(), tabs: options.tabs, completion: null };
  panel.completion = attachCompletion(element, { task: () => keyOf(panel), announce: options.announce });
  const listeners = {
    input: (event) => onInput(panel, event.target),
    focusout: () => panel.stale && soon(panel),
    change: (event) => commit(panel, event.target),
    click: (event) => press(panel, event),
    keydown: (event) => onKey(panel, event),
  };
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
  adopt(panel);
  return {
    show: (key) => show(panel, key),
    refresh: (key) => (key === panel.shown ? soon(panel) : undefined),
    focusFirst: () => whenShown(panel, () => firstOf(element)?.focus()),
    focusField: (path) => whenShown(panel, () => focusField(panel, path)),
    destroy() {
      flush(panel);
      clearTimeout(panel.timer);
      clearTimeout(panel.idle);
      panel.fetching += 1;
      panel.completion.destroy();
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener);
      element.replaceChildren();
    },
  };
}

// Showing

/** What the page came with is shown as if it had been asked for. */
function adopt(panel) {
  if (!panel.element.querySelector(".inspect")) return;
  panel.shown = keyOf(panel);
  settle(panel);
}

/** What was typed for the task before is sent first, or kept until that task is shown again. */
async function show(panel, key) {
  if (key === panel.shown && panel.element.firstElementChild) return;
  flush(panel);
  panel.shown = key;
  panel.stale = false;
  panel.then = null;
  panel.completion.forget();
  const html = await ask(panel);
  if (html === null) return;
  flush(panel); // what was typed while it was on its way
  panel.element.innerHTML = html; // from our own server, where every text of a person is escaped
  restoreKept(panel);
  settle(panel);
}

/** Now, or once the panel that was asked for has come. */
function whenShown(panel, act) {
  if (isShown(panel)) return act();
  panel.then = act;
  return undefined;
}

function isShown({ element, shown }) {
  return element.querySelector(".inspect")?.dataset.task === (shown ?? "");
}

function soon(panel) {
  clearTimeout(panel.timer);
  panel.timer = setTimeout(() => refresh(panel), QUIET);
}

async function refresh(panel) {
  if (panel.shown === undefined) return;
  const asOf = panel.sends;
  const html = await ask(panel);
  // What was sent since, it may not know, and would bring back what was taken away; another comes once that is stored.
  if (html === null || asOf !== panel.sends) return;
  panel.stale = isTyping(document.activeElement) && panel.element.contains(document.activeElement);
  Idiomorph.morph(panel.element, html, {
    morphStyle: "innerHTML",
    restoreFocus: true,
    ignoreActiveValue: isTyping(document.activeElement), // it would leave out all that a focused summary or button holds
    callbacks: {
      beforeNodeMorphed: (old) => !isBusy(old),
      beforeNodeRemoved: (old) => !isBusy(old) && !holdsBusy(old),
      beforeAttributeUpdated: (name, one) => !(name === "open" && one instanceof HTMLDetailsElement),
    },
  });
  panel.completion.forget();
  settle(panel);
}

/** The panel as the server has it now; null where something newer was asked for meanwhile, or nothing came. */
async function ask(panel) {
  panel.fetching += 1;
  const mine = panel.fetching;
  panel.element.setAttribute("aria-busy", "true");
  const reply = await fetch(panel.options.url(panel.shown), { headers: { Accept: "text/html" } }).catch(() => null);
  const html = reply?.ok && reply.status !== 204 ? await reply.text().catch(() => null) : null;
  if (mine !== panel.fetching) return null;
  panel.element.removeAttribute("aria-busy");
  if (html === null) unreachable(panel, reply?.status);
  return html;
}

function unreachable(panel, status) {
  if (isShown(panel)) return; // what is there is better than nothing
  const text = status === 204 ? "The settings of this step come once it is stored." : "The settings could not be loaded.";
  const again = document.createElement("button");
  Object.assign(again, { type: "button", className: "btn btn-sm", textContent: "Try again" });
  again.dataset.again = "";
  const note = document.createElement("p");
  note.textContent = text;
  const box = document.createElement("div");
  box.className = "panel-body t14";
  box.append(note, again);
  panel.element.replaceChildren(box);
}

function settle(panel) {
  panel.tabs.settle();
  panel.completion.settle();
  panel.then?.();
  panel.then = null;
}

/** What must stay as it is: what somebody types in or could not send, of a group any part of it; and what is said of it. */
function isBusy(node) {
  if (!(node instanceof HTMLElement)) return false;
  if (node.matches("[data-result], [data-refused]:not([hidden]), [data-tabs], .names")) return true;
  return node.matches("fieldset[data-kind]") ? holdsBusy(node) : node.matches("[data-unsent]");
}

function holdsBusy(node) {
  if (!(node instanceof HTMLElement)) return false;
  const active = document.activeElement;
  return (node.contains(active) && isTyping(active)) || node.querySelector("[data-unsent]") !== null;
}

function isTyping(node) {
  return node?.matches("textarea, input:not([type=radio], [type=checkbox])") ?? false;
}

// Sending

function onInput(panel, control) {
  if (!control.matches("[data-kind], [data-member] *, [data-part]") || control.dataset.op === "connect") return;
  control.dataset.unsent = "";
  clearTimeout(panel.idle);
  if (isTyping(control) && !control.dataset.op) panel.idle = setTimeout(() => commitQuietly(panel, control), IDLE);
}

/** While somebody is still typing what cannot be read yet is no error. */
function commitQuietly(panel, control) {
  if (!control.isConnected || !("unsent" in control.dataset)) return;
  if (!operationsOf(control, placeOf(panel)).error) commit(panel, control);
}

/** @returns {Promise<boolean>} whether it is stored, or there was nothing to store */
async function commit(panel, control) {
  const held = holder(control);
  if (!held.matches("[data-path], [data-op]") && !control.matches("[data-op]")) return true;
  if (control.dataset.op === "add-parameter") return true; // its button sends it
  if (sending.get(held) === textsOf(held)) return true;
  // What an input is declared as goes with it under its new name: all of it must be there by then.
  if (held.dataset.kind === "parameter") await Promise.allSettled(panel.pending);
  const place = placeOf(panel);
  const operations = operationsOf(control, place);
  refuse(held, operations.error ?? "");
  if (operations.error) return false;
  if (!operations.length) return done(held), true;
  return send(panel, held, operations, place.key);
}

async function send(panel, held, operations, key) {
  const typed = textsOf(held);
  const [first] = operations;
  sending.set(held, typed);
  panel.sends += 1;
  try {
    const stored = Promise.resolve(panel.options.send(operations, { label: labelOf(held, first) }));
    panel.pending.add(stored);
    if (first.op === "rename") rename(panel, key, first.to);
    await stored.finally(() => panel.pending.delete(stored));
  } catch (error) {
    if (first.op === "rename") rename(panel, first.to, key);
    if (keyOf(panel) !== key) keep(panel, key, held);
    refuse(held, error?.message || "This could not be stored.");
    soon(panel);
    return false;
  } finally {
    sending.delete(held);
    panel.sends += 1;
  }
  if (textsOf(held) === typed) done(held);
  soon(panel);
  return true;
}

/** What is typed from now on is about the task of that key. */
function rename(panel, from, to) {
  const whole = panel.element.querySelector(".inspect");
  if (whole?.dataset.task === from) whole.dataset.task = to;
  if (panel.shown === from) panel.shown = to;
}

function labelOf(held, { op, key }) {
  const of = key ? ` of ${key}` : "";
  return { connect: "Connect", disconnect: "Disconnect", rename: `Rename ${key}`, action: `Change the action${of}` }[op] ?? `Change ${nameOf(held)}${of}`;
}

function placeOf(panel) {
  const draft = panel.options.readDraft();
  const key = keyOf(panel);
  return key === null ? { key, value: draft } : { key, value: draft.tasks?.[key] ?? {} };
}

/** Whose controls these are: while another panel is on its way still the one before. */
function keyOf({ element }) {
  return element.querySelector(".inspect")?.dataset.task || null;
}

function textsOf(held) {
  return JSON.stringify(partsOf(held).map((one) => (one.type === "checkbox" || one.type === "radio" ? one.checked : one.value)));
}

function partsOf(held) {
  return held.matches("fieldset") ? [...held.querySelectorAll("input, select, textarea")] : [held];
}

function done(held) {
  for (const one of partsOf(held)) delete one.dataset.unsent;
}

/** Says beside the field why it was not taken; without a text that it was. */
function refuse(held, text) {
  const note = held.closest(".field")?.querySelector(":scope > .notes > [data-refused]");
  if (!note) return;
  note.textContent = text;
  note.hidden = !text;
  for (const one of partsOf(held)) if (text) one.setAttribute("aria-invalid", "true"); else one.removeAttribute("aria-invalid");
}

/** Everything that was typed and not left yet goes out, as when the field is left; what cannot is kept. */
function flush(panel) {
  clearTimeout(panel.idle);
  const held = [...panel.element.querySelectorAll("[data-unsent]")].map(holder).filter((one) => one.dataset.path);
  for (const one of new Set(held)) {
    if (sending.get(one) === textsOf(one)) continue; // is on its way
    const place = placeOf(panel);
    const operations = operationsOf(one, place);
    if (operations.error) keep(panel, place.key, one);
    else if (operations.length) send(panel, one, operations, place.key);
  }
}

function keep(panel, key, held) {
  const isTheirs = (one) => isTyping(one) || (one.matches("select") && "unsent" in one.dataset);
  const texts = partsOf(held).map((one) => (isTheirs(one) ? one.value : null));
  panel.kept.set(`${key ?? ""}\n${held.dataset.path}`, { texts, whole: held });
}

function restoreKept(panel) {
  for (const held of panel.element.querySelectorAll("[data-path]:not([data-member-text])")) {
    const name = `${panel.shown ?? ""}\n${held.dataset.path}`;
    const kept = panel.kept.get(name);
    if (!kept) continue;
    panel.kept.delete(name);
    commit(panel, putBack(held, kept));
  }
}

/** Onto what came anew, or, where that has other parts by now, in its place. */
function putBack(held, { texts, whole }) {
  while (partsOf(held).length < texts.length && held.querySelector("[data-add-member]")) addMember(held);
  if (partsOf(held).length !== texts.length) {
    held.replaceWith(whole);
    return whole;
  }
  for (const [index, one] of partsOf(held).entries()) {
    if (typeof texts[index] !== "string") continue;
    one.value = texts[index];
    one.dataset.unsent = "";
  }
  return held;
}

// Pressing

function press(panel, event) {
  const button = event.target.closest("button, a");
  if (!button) return;
  const { dataset } = button;
  if ("closeInspector" in dataset) panel.options.onClose?.();
  else if ("again" in dataset) retry(panel);
  else if (dataset.jump) jump(panel, event, dataset.jump);
  else if ("addMember" in dataset) addMember(button);
  else if ("removeMember" in dataset) removeMember(panel, button);
  else if (dataset.moveMember) moveMember(panel, button);
  else if (dataset.commit) addParameter(panel, document.getElementById(dataset.commit));
  else if (dataset.op) carryOut(panel, button);
}

function retry(panel) {
  const key = panel.shown;
  panel.shown = undefined;
  show(panel, key);
}

async function carryOut(panel, button) {
  const place = placeOf(panel);
  const operations = operationsOf(button, place);
  const held = holder(button);
  const select = (one) => panel.element.querySelector(one);
  // Not into a field: the one that goes would stay while it is typed in.
  if (await send(panel, held, operations, place.key)) (held.querySelector("select") ?? select("#inspect-new-parameter") ?? select("[aria-selected=true]"))?.focus();
}

async function addParameter(panel, field) {
  const operations = operationsOf(field, placeOf(panel));
  refuse(field, operations.error ?? "");
  if (operations.error) return field.focus();
  if (await send(panel, field, operations, null)) field.value = "";
  return field.focus();
}

function addMember(within) {
  const group = within.closest("fieldset");
  const row = group.querySelector(":scope > [data-member-template]").content.cloneNode(true);
  const list = group.querySelector(":scope > [data-members]");
  list.append(row);
  number(group);
  list.lastElementChild.querySelector("input, textarea").focus();
}

/** Cards are named by their place, as the server names them: what it answers falls on the card it is about, and the focus stays there. */
function number(group) {
  const named = `inspect-${JSON.parse(group.dataset.path).join("-")}`; // in its template still, wherever its own card has gone
  for (const [place, card] of [...group.querySelectorAll(":scope > [data-members] > [data-before]")].entries()) {
    for (const name of ["id", "for", "list", "aria-describedby"]) {
      for (const one of card.querySelectorAll(`[${name}^="${group.id}-"], [${name}^="${named}-"]`)) {
        const text = one.getAttribute(name);
        const prefix = text.startsWith(`${group.id}-`) ? group.id : named;
        const [, ...rest] = text.slice(prefix.length + 1).split("-");
        one.setAttribute(name, [group.id, place, ...rest].join("-"));
      }
    }
  }
}

function moveMember(panel, button) {
  const card = button.closest("[data-member]");
  const down = button.dataset.moveMember === "1";
  const other = down ? card.nextElementSibling : card.previousElementSibling;
  if (!other) return;
  // The other one goes round it, so that the focus is not lost on the way.
  if (down) card.before(other);
  else card.after(other);
  number(card.closest("fieldset"));
  if (!button.checkVisibility({ visibilityProperty: true })) card.querySelector(`[data-move-member="${down ? -1 : 1}"]`).focus();
  panel.options.announce(`Moved ${down ? "down" : "up"}`);
  commit(panel, card.closest("fieldset"));
}

function removeMember(panel, button) {
  const group = button.closest("fieldset");
  button.closest("[data-member]").remove();
  number(group);
  group.querySelector(":scope > p > [data-add-member]").focus();
  commit(panel, group);
}

function onKey(panel, event) {
  const { target } = event;
  if (event.key === "Enter" && target.dataset.op === "add-parameter") {
    event.preventDefault();
    addParameter(panel, target);
  } else if (event.key === "Enter" && target.matches("textarea") && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    commit(panel, target);
  }
}

// Going there

function jump(panel, event, where) {
  event.preventDefault();
  focusField(panel, where);
}

/** @param {string|string[]} path as a finding writes it, or the keys within the task */
function focusField(panel, path) {
  const fields = [...panel.element.querySelectorAll("[data-where]")];
  const wanted = Array.isArray(path) ? JSON.stringify(path) : null;
  const around = fields.filter(({ dataset }) => (wanted ? dataset.path === wanted : isWithin(path, dataset.where)));
  around.sort((one, other) => other.dataset.where.length - one.dataset.where.length);
  const target = around[0]?.matches("fieldset") ? firstOf(around[0]) : around[0];
  if (!target) return false;
  panel.tabs.reveal(target);
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target.focus();
  target.scrollIntoView({ block: "nearest" });
  return true;
}

function isWithin(path, where) {
  return path === where || path.startsWith(`${where}.`) || path.startsWith(`${where}[`);
}

function firstOf(element) {
  return [...element.querySelectorAll("input, select, textarea, button:not([data-close-inspector], [role=tab])")].find((one) => one.checkVisibility());
}
