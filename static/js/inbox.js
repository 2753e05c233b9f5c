/**
 * The inbox by keys, and without loading the page for each request. J and K go through the requests, Enter goes on to the one that is shown, A
 * and R (or X) open the form of a decision, which still has to be sent; S chooses, and with some chosen A and R are about those. What is
 * chosen, and what somebody has typed, stays while the list renews itself and while they look at others.
 */
import { announceNow } from "./announce.js";
import { onKey } from "./keys.js";

const NARROW = matchMedia("(max-width: 719px)");
const TYPED = "textarea[id], input[id]:not([type=hidden], [type=checkbox], [type=radio])";
const inbox = document.querySelector(".inbox");

/** Ids of requests. @type {Set<string>} */
const chosen = new Set();
/** What was typed and not sent, by the id of the request. @type {Map<string, Map<string, string>>} */
const drafts = new Map();
/** What was in the list when it last came. @type {Set<string>} */
let listed = new Set();
let shown = idOf(location.pathname);
let arriving = Promise.resolve();
let coming = new AbortController();

const mails = () => [...document.querySelectorAll("[data-mail]")];
const pane = () => inbox.querySelector(":scope > .detail");
const current = () => document.querySelector("[data-mail][aria-current]");

function idOf(path) {
  return path.match(/\/approvals\/(\d+)\//)?.[1] ?? document.querySelector("[data-mail][aria-current]")?.dataset.mail ?? "";
}

// The request that is shown

function mark() {
  for (const mail of mails()) mail.toggleAttribute("aria-current", mail.dataset.mail === shown);
  current()?.setAttribute("aria-current", "true");
}

function go(step) {
  const all = mails();
  const at = all.findIndex((mail) => mail.dataset.mail === shown);
  const next = all[at < 0 && step < 0 ? all.length - 1 : at + step];
  if (!next) return;
  if (NARROW.matches) location.assign(next.href);
  else show(next.href, next.dataset.mail, { keep: true });
  next.focus();
}

/** @param {string} address @param {string} id @param {{keep?: boolean, into?: boolean}} [how] keep: the address; into: the focus goes there */
function show(address, id, how = {}) {
  keepDraft();
  coming.abort();
  coming = new AbortController();
  shown = id;
  mark();
  current()?.scrollIntoView({ block: "nearest" });
  pane().setAttribute("aria-busy", "true");
  pane().inert = true; // what is pressed or typed now would be meant for the one that comes
  arriving = fetchPage(address, coming.signal).then((page) => page && place(page, address, how));
  return arriving;
}

/** The page at this address; nothing when another was asked for meanwhile. What is no page of the inbox is gone to. */
async function fetchPage(address, signal) {
  try {
    const answer = await fetch(address, { signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok && page.querySelector(".inbox > .detail")) return page;
  } catch (error) {
    if (error.name === "AbortError") return null;
  }
  location.assign(address);
  return null;
}

function place(page, address, { keep, into }) {
  const old = pane();
  old.dispatchEvent(new CustomEvent("workflow:gone", { bubbles: true }));
  for (const part of [".inbox > .detail", ".inbox-list > header", ".crumbs", "#place-data"]) exchange(page, part);
  document.title = page.title;
  inbox.toggleAttribute("data-open", true);
  if (keep) history.pushState({ inbox: true }, "", address);
  globalThis.htmx.process(pane());
  globalThis.htmx.trigger(pane(), "htmx:load");
  restoreDraft();
  if (into) enter();
}

function exchange(page, part) {
  const [from, to] = [page.querySelector(part), document.querySelector(part)];
  if (from && to) to.replaceWith(document.adoptNode(from));
  else if (from) document.body.append(document.adoptNode(from));
  else to?.remove();
}

function enter() {
  pane().querySelector(".detail-scroll")?.focus();
}

function follow(event) {
  const mail = event.target.closest("[data-mail]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!mail || !plain || NARROW.matches) return;
  event.preventDefault();
  if (mail.dataset.mail === shown) arriving.then(enter);
  else show(mail.href, mail.dataset.mail, { keep: true, into: event.detail === 0 });
}

/** The bar under the time that is left. */
function drain() {
  const bar = pane().querySelector("[data-until]");
  if (!bar) return;
  const [from, until] = [Date.parse(bar.dataset.from), Date.parse(bar.dataset.until)];
  const share = Math.min(1, Math.max(0, (until - Date.now()) / (until - from)));
  bar.querySelector("[data-left-bar]").setAttribute("width", String(100 * share));
}

// What was typed

function keepDraft() {
  const typed = new Map();
  for (const field of pane().querySelectorAll(TYPED)) if (field.value !== field.defaultValue) typed.set(field.id, field.value);
  if (typed.size) drafts.set(shown, typed);
  else drafts.delete(shown);
}

function restoreDraft() {
  for (const [id, value] of drafts.get(shown) ?? []) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
}

// Deciding

/** @param {"approve"|"reject"} decision */
async function unfold(decision) {
  await arriving;
  const way = chosen.size ? document.querySelector(`[data-bulk="${decision}"]`) : pane().querySelector(`[data-decision="${decision}"]`);
  if (!way) return;
  way.open = true;
  way.querySelector("input:not([type=hidden]), select, textarea").focus();
}

/** Which request comes after the one that is decided: the next, or the last that is left. */
function following() {
  const all = mails();
  const at = all.findIndex((mail) => mail.dataset.mail === shown);
  return (all[at + 1] ?? all[at - 1])?.dataset.mail ?? "";
}

function onRequest(event) {
  const { elt, parameters } = event.detail;
  if (elt.matches("[data-decision] form") && !NARROW.matches) parameters.next = following();
  if (elt.id === "inbox-search") for (const name of Object.keys(parameters)) if (!parameters[name]) delete parameters[name];
}

// Choosing

function choose(mail, yes) {
  const box = mail?.closest("li").querySelector("[data-choose]");
  if (!box) return;
  box.checked = yes ?? !box.checked;
  note(box);
}

function note(box) {
  if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
  tell();
}

function tell() {
  inbox.toggleAttribute("data-choosing", chosen.size > 0);
  document.getElementById("bulk")?.toggleAttribute("data-some", chosen.size > 0);
  for (const figure of document.querySelectorAll("[data-chosen-figure]")) figure.textContent = String(chosen.size);
}

function chooseNone() {
  for (const box of document.querySelectorAll("[data-choose]")) box.checked = false;
  chosen.clear();
  tell();
}

/** After the list has renewed itself: what is gone is not chosen any more. */
function settle(event) {
  const boxes = [...document.querySelectorAll("[data-choose]")];
  for (const id of [...chosen]) if (!boxes.some((box) => box.value === id)) chosen.delete(id);
  for (const box of boxes) box.checked = chosen.has(box.value);
  tell();
  mark();
  if (event.target.id === "mails" && event.detail.requestConfig?.elt?.id === "mails") tellIfGone();
}

/** Somebody else was first, or it ran out of time, while it was being looked at. What was typed stays. */
function tellIfGone() {
  const from = pane();
  const busy = from.querySelector("[data-decision] .htmx-request, [data-gone]"); // the record comes anew at the same time
  if (busy || !from.querySelector("[data-decision]") || !listed.has(shown) || current()) return noteListed();
  const note = document.createElement("p");
  const link = document.createElement("a");
  Object.assign(link, { className: "link", href: location.href, textContent: "See how it stands now" });
  note.className = "callout s-queued gap-b";
  note.dataset.gone = "";
  note.append("This request does not wait for you any more. ", link);
  from.querySelector(".detail-scroll").prepend(note);
  announceNow("The request that you look at does not wait for you any more");
  return noteListed();
}

function noteListed() {
  listed = new Set(mails().map((mail) => mail.dataset.mail));
}

function found(event) {
  const list = document.getElementById("mails");
  if (event.detail.requestConfig?.elt?.id !== "inbox-search" || !list) return;
  const count = Number(list.dataset.found);
  announceNow(count === 1 ? "One request" : `${count} requests`);
}

/** Of the keys those that mean something else on a button. */
function onListKey(event) {
  const mail = event.target.closest?.("[data-mail]");
  if (event.key === " " && mail) {
    event.preventDefault();
    choose(mail);
  } else if (event.key === "Escape") leave(event);
}

function leave(event) {
  if (event.target.id === "inbox-text") (current() ?? mails()[0])?.focus();
  else if (chosen.size && !document.querySelector("details[data-menu][open], dialog[open]")) chooseNone();
}

onKey("j", () => go(1));
onKey("k", () => go(-1));
onKey("a", () => unfold("approve"));
onKey("r", () => unfold("reject"));
onKey("x", () => unfold("reject"));
onKey("s", () => choose(document.activeElement?.closest("[data-mail]") ?? current()));
onKey("/", () => document.getElementById("inbox-text").select());
document.addEventListener("click", (event) => {
  follow(event);
  if (event.target.closest("[data-choose-none]")) chooseNone();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose]")) note(event.target);
});
document.addEventListener("keydown", onListKey, true);
document.addEventListener("htmx:configRequest", onRequest);
document.addEventListener("htmx:afterSettle", (event) => {
  settle(event);
  found(event);
});
addEventListener("popstate", (event) => {
  if (event.state?.htmx) return; // its own address: htmx sees to it
  show(location.href, idOf(location.pathname));
});
noteListed();
setInterval(drain, 5000);
for (const box of document.querySelectorAll("[data-choose]:checked")) chosen.add(box.value);
tell();
current()?.scrollIntoView({ block: "nearest" });
// Something was decided a moment ago: the next request takes the focus.
if (document.querySelector("#toasts [data-toast]")) (current() ?? inbox.querySelector("h1")).focus();
