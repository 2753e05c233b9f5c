/**
 * One person at one draft. Every edit, whatever the device, goes through `edit`: it shows at once, waits in the browser's own
 * store, and is sent one after the other until the server has it. Others' edits arrive by `catchUp`.
 */
import { applied, withChanges } from "./document.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const CHECK_AFTER = 250; // ms without an edit before the problems are asked for

/**
 * @typedef {import("./document.js").Operation} Operation
 * @typedef {{state: "saved"|"saving"|"retrying"|"signed-out"|"held", at?: Date, waiting: number}} Status
 *
 * @typedef {object} SessionOptions
 * @property {{rev: number, definition: any, issues: object[], can_undo: boolean, can_redo: boolean}} draft
 * @property {string} url of the draft in the API, without a slash at the end
 * @property {string} csrf
 * @property {Awaited<ReturnType<typeof import("./store.js").openStore>>} store
 * @property {typeof fetch} [fetch]
 */

/** @param {SessionOptions} options */
export function createSession({ draft, url, csrf, store, fetch: ask = (...given) => fetch(...given) }) {
  const events = new EventTarget();
  const sitting = [...crypto.getRandomValues(new Uint8Array(9))].map((byte) => byte.toString(36).padStart(2, "0")).join("");
  let confirmed = { rev: draft.rev, document: draft.definition };
  /** @type {import("./store.js").Waiting[]} */
  let waiting = [];
  let shown = confirmed.document;
  let [canUndo, canRedo] = [draft.can_undo, draft.can_redo];
  let number = 0;
  let sending = null;
  let wait = FIRST_WAIT;
  let held = null;
  let told = 0;
  let retryTimer = 0;
  let checkTimer = 0;

  const tell = (name, detail) => events.dispatchEvent(new CustomEvent(name, { detail }));
  const reshow = (cause) => {
    const before = shown;
    shown = waiting.reduce((document, entry) => applied(document, entry.ops), confirmed.document);
    tell("change", { before, now: shown, cause });
  };
  const status = (state) => tell("status", { state, waiting: waiting.length, rev: confirmed.rev, canUndo: waiting.length > 0 || canUndo, canRedo, at: new Date() });

  const post = (path, body, method = "POST") => ask(`${url}${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrf, Accept: "application/json" },
    credentials: "same-origin",
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

  /** @param {Operation[]} ops @param {{label: string}} how said to screen readers and kept with the edit */
  function edit(ops, { label }) {
    if (!ops.length) return;
    clearTimeout(checkTimer); // once the edits pause: a check takes longer than an edit
    const batch = `${sitting}-${String((number += 1)).padStart(6, "0")}`;
    enqueue({ batch, kind: "ops", ops, base_rev: confirmed.rev, label, at: Date.now() });
    reshow("edit");
  }

  function step(kind) {
    const batch = `${sitting}-${String((number += 1)).padStart(6, "0")}`;
    enqueue({ batch, kind, ops: [], base_rev: confirmed.rev, label: kind, at: Date.now() });
  }

  function enqueue(entry) {
    waiting.push(entry);
    store.add(entry).catch(() => tell("unstored", {}));
    status(held ? "held" : "saving");
    send();
  }

  function send() {
    if (sending || held || !waiting.length) return sending;
    clearTimeout(retryTimer);
    sending = deliver(waiting[0]).finally(() => {
      sending = null;
    }).then((goOn) => (goOn && waiting.length ? send() : listen()));
    return sending;
  }

  /** @returns {Promise<boolean>} whether the next may be sent */
  async function deliver(entry) {
    let response;
    const body = entry.kind === "ops"
      ? { base_rev: entry.base_rev, ops: entry.ops, batch: entry.batch, known_rev: confirmed.rev }
      : { batch: entry.batch, known_rev: confirmed.rev };
    try {
      response = await post(entry.kind === "ops" ? "/ops" : `/${entry.kind}`, body);
    } catch {
      return again("retrying");
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) return accept(entry, answer);
    if (response.status === 401 || response.status === 403) return again("signed-out");
    if (response.status === 409 && answer?.disputes) return hold(entry, answer);
    if ([400, 404, 409, 413, 422].includes(response.status) && answer) return refuse(entry, answer);
    return again("retrying");
  }

  function again(state) {
    status(state);
    retryTimer = setTimeout(send, wait * (0.75 + Math.random() / 2));
    wait = Math.min(LONGEST_WAIT, wait * 2);
    return false;
  }

  async function accept(entry, answer) {
    wait = FIRST_WAIT;
    takeOver(answer);
    await drop(entry);
    reshow("answer");
    status(waiting.length ? "saving" : "saved");
    check();
    return true;
  }

  function takeOver(answer) {
    const document = answer.definition ?? withChanges(confirmed.document, answer.changes ?? []);
    confirmed = { rev: answer.rev, document };
    [canUndo, canRedo] = [answer.can_undo ?? canUndo, answer.can_redo ?? canRedo];
  }

  async function drop(entry) {
    waiting = waiting.filter((one) => one !== entry);
    await store.remove(entry.batch).catch(() => {});
  }

  /** Somebody changed the same places: nothing more is sent until a person has chosen. */
  function hold(entry, answer) {
    held = { entry, answer };
    status("held");
    tell("dispute", { message: answer.error?.message, disputes: answer.disputes, label: entry.label });
    return false;
  }

  /** What the server will never take is told and taken back; the rest goes on. */
  async function refuse(entry, answer) {
    await drop(entry);
    if (answer.error?.code !== `nothing_to_${entry.kind}`) tell("refused", { message: answer.error?.message, label: entry.label, ops: entry.ops });
    if (entry.kind !== "ops") [canUndo, canRedo] = [entry.kind === "undo" ? false : canUndo, entry.kind === "redo" ? false : canRedo];
    await catchUp(true);
    status(waiting.length ? "saving" : "saved");
    return true;
  }

  /** @param {"mine"|"theirs"} whose */
  async function settle(whose) {
    if (!held) return;
    const { entry, answer } = held;
    held = null;
    if (whose === "theirs") {
      await drop(entry);
      await catchUp(true);
    } else {
      // What was made after it was made by the same person, who has now seen both sides.
      for (const one of waiting) one.base_rev = Math.max(one.base_rev, answer.rev);
      await store.put(entry).catch(() => {});
    }
    status(waiting.length ? "saving" : "saved");
    await send();
  }

  /** Somebody, perhaps this person elsewhere, has made this revision. */
  function heard(rev) {
    told = Math.max(told, rev);
    listen();
  }

  function listen() {
    if (!sending && !held && told > confirmed.rev) catchUp();
  }

  /** Takes over what others have changed. @param {boolean} [whole] */
  async function catchUp(whole = false) {
    if (sending && !whole) return;
    try {
      const response = await post(whole ? "" : `/changes?since=${confirmed.rev}`, null, "GET");
      const answer = await response.json();
      if (response.status === 409 && !whole) return void (await catchUp(true));
      if (!response.ok || answer.rev < confirmed.rev) return;
      if (answer.definition) takeOver(answer);
      else takeOver({ rev: answer.rev, changes: answer.changes.flatMap((row) => row.changes) });
      reshow("others");
      check();
    } catch {
      // Told by the next edit, or by the socket when it is there again.
    }
  }

  function check() {
    clearTimeout(checkTimer);
    checkTimer = setTimeout(async () => {
      const rev = confirmed.rev;
      const answer = await post("/issues", null, "GET").then((response) => (response.ok ? response.json() : null)).catch(() => null);
      if (answer && answer.rev >= rev) tell("issues", answer.issues);
    }, CHECK_AFTER);
  }

  /** What an earlier visit could not send. */
  async function recover() {
    const left = (await store.all().catch(() => [])).filter((entry) => !waiting.some((one) => one.batch === entry.batch));
    if (!left.length) return 0;
    waiting = [...left, ...waiting];
    reshow("edit");
    status("saving");
    send();
    return left.length;
  }

  addEventListener("online", send);
  addEventListener("beforeunload", (event) => {
    if (waiting.length) event.preventDefault();
  });

  return {
    events,
    edit,
    undo: () => step("undo"),
    redo: () => step("redo"),
    settle,
    heard,
    catchUp,
    check,
    recover,
    retry: send,
    /** Resolves once everything is saved; rejects nothing. */
    flush: async () => {
      while (waiting.length && !held) {
        const before = waiting.length;
        await send();
        if (waiting.length === before) return false;
      }
      return !waiting.length;
    },
    draft: () => shown,
    /** Whether the server has this step already. @param {string|null} key */
    hasStored: (key) => key === null || Object.hasOwn(confirmed.document?.tasks ?? {}, key),
    rev: () => confirmed.rev,
    waiting: () => waiting.length,
    canUndo: () => waiting.length > 0 || canUndo,
    canRedo: () => canRedo,
  };
}
