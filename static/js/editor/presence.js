/**
 * Joins those who have a draft open. The server says `{v: 1, t: "hello", rev, me, people}` on opening, then
 * `{t: "people", people}` and `{t: "rev", rev, by, mine, kind}` as things happen; the page says `{t: "at", task}`.
 *
 * A message may be lost with its socket, so no revision is taken from messages alone: whenever one is missing, the changes
 * are asked for by HTTP; after three failures they are asked for every few seconds. Each revision is told once, in order.
 */
import { createSocket, FAILURES_BEFORE_POLLING, POLL_EVERY } from "../socket.js";

const MOVE_EVERY = 200; // selecting may follow a key that is held down

/**
 * @typedef {{id: number, name: string, initials: string, at: string|null}} Person `at`: the key of the task they have selected
 * @typedef {{rev: number, by: string|null, mine: boolean, kind: "edit"|"undo"|"redo"|"publish"|"replaced", changes?: object[]}} Revision
 *   `mine`: by this person, in whichever window; `changes` only when it was asked for by HTTP; "replaced": all that is
 *   known is that the draft is another one
 */

/**
 * @param {string} path of the socket
 * @param {{
 *   onHello?: (hello: {rev: number, me: {id: number}, people: Person[]}) => void,
 *   onPeople?: (people: Person[]) => void,
 *   onRev?: (revision: Revision) => void,
 *   onLost?: () => void,
 * }} on `onLost`: nobody is known to be here
 * @param {{changes?: string, rev?: number}} [from] where changes are asked for, and the revision the page shows
 * @returns {{at: (key: string|null) => void}}
 */
export function joinDraft(path, on, from = {}) {
  const revisions = createRevisions(from, on);
  let lost = false;
  let poller = 0;
  const stopPolling = () => {
    clearInterval(poller);
    poller = 0;
  };
  const lose = () => {
    if (!lost) on.onLost?.();
    lost = true;
  };
  const socket = createSocket(path, {
    onOpen() {
      stopPolling();
      mover.again();
    },
    onMessage(message) {
      if (message.v !== 1) return;
      if (message.t === "hello") {
        lost = false;
        on.onHello?.(message);
        revisions.reach(message.rev);
      } else if (message.t === "people") on.onPeople?.(message.people);
      else if (message.t === "rev") revisions.take(message);
    },
    onLost(failures) {
      if (failures < FAILURES_BEFORE_POLLING || poller) return;
      lose();
      poller = setInterval(revisions.ask, POLL_EVERY);
      revisions.ask();
    },
    onEnd() {
      stopPolling();
      lose();
    },
  });
  const mover = createMover((task) => socket.send({ t: "at", task }));
  return { at: mover.to };
}

/** Tells each revision once and in order, whichever way it was heard of. */
function createRevisions({ changes, rev }, on) {
  let known = rev ?? null;
  let asking = null;

  const tell = (revision) => {
    if (revision.rev <= known) return;
    known = revision.rev;
    on.onRev?.(revision);
  };
  const fetchThem = async () => {
    if (!changes || known === null) return;
    const url = new URL(changes, location.href);
    url.searchParams.set("since", String(known));
    const reply = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    const answer = reply?.ok || reply?.status === 409 ? await reply.json().catch(() => null) : null;
    for (const made of answer?.changes ?? []) tell({ ...made, by: made.name || made.by });
    if (answer?.rev) tell({ rev: answer.rev, by: null, mine: false, kind: "replaced" });
  };
  /** One question at a time: a second one would only ask the same. */
  const ask = () => {
    asking ??= fetchThem().finally(() => {
      asking = null;
    });
    return asking;
  };
  return {
    ask,
    take(revision) {
      if (known === null || revision.rev === known + 1) tell(revision);
      else if (revision.rev > known) ask().then(() => tell(revision));
    },
    reach(there) {
      known ??= there;
      if (there > known) ask().then(() => tell({ rev: there, by: null, mine: false, kind: "replaced" }));
    },
  };
}

/** Says where this person is: at once, then at most every so often, the last place always. */
function createMover(say) {
  let place = null;
  let said = null;
  let timer = 0;
  const tell = () => {
    timer = 0;
    if (place === said) return;
    said = place;
    say(place);
    timer = setTimeout(tell, MOVE_EVERY);
  };
  return {
    to(key) {
      place = key;
      if (!timer) tell();
    },
    /** A socket that has just opened knows nothing yet. */
    again() {
      said = null;
      if (!timer) tell();
    },
  };
}
