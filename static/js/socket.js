/**
 * A JSON socket that comes back by itself. `createSocket` keeps one open; `followRun` speaks the run protocol over it:
 * on opening the page says `{"resume": seq}` and gets what it has missed; messages carry
 * `{v: 1, run, seq, status, events, tasks, counts}`; a gap in `seq` is asked for again. After three failures it polls.
 */

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
export const POLL_EVERY = 5000;
export const FAILURES_BEFORE_POLLING = 3;
const FINAL = new Set([4403, 4404]); // may no longer look; no longer there

/**
 * @param {string} path
 * @param {{onOpen?: (send: (message: object) => void) => void, onMessage: (message: any) => void, onLost?: (failures: number) => void, onEnd?: () => void}} on `onEnd`: it will not come back
 * @returns {{send: (message: object) => void, close: () => void}}
 */
export function createSocket(path, on) {
  let socket = null;
  let failures = 0;
  let timer = 0;
  let closed = false;

  const send = (message) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const connect = () => {
    clearTimeout(timer);
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.addEventListener("open", () => {
      failures = 0;
      on.onOpen?.(send);
    });
    socket.addEventListener("message", (event) => on.onMessage(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (closed) return;
      if (FINAL.has(event.code)) {
        on.onEnd?.();
        return;
      }
      failures += 1;
      on.onLost?.(failures);
      timer = setTimeout(connect, waitAfter(failures));
    });
  };
  const hurry = () => {
    if (!closed && socket?.readyState === WebSocket.CLOSED) connect();
  };
  addEventListener("online", hurry);
  // Not while the page still loads: htmx knows of none of its parts before, and what news there is would be lost.
  if (document.readyState === "complete") connect();
  else addEventListener("load", connect);
  return {
    send,
    close() {
      closed = true;
      clearTimeout(timer);
      removeEventListener("online", hurry);
      removeEventListener("load", connect);
      socket?.close();
    },
  };
}

/** Doubling, with up to a quarter taken off at random, so that many pages do not come back in one instant. */
function waitAfter(failures) {
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (failures - 1));
  return Math.max(FIRST_WAIT, wait * (1 - Math.random() * 0.25));
}

/**
 * @typedef {object} RunMessage
 * @property {1} v
 * @property {number} run
 * @property {number} seq of the last event this message brings the page up to
 * @property {string} [status]
 * @property {boolean} [snapshot] whole state rather than what has changed
 * @property {(import("./timeline/bars.js").RunEvent & {state: string, word: string})[]} [events] `word` is a whole sentence
 * @property {Record<string, import("./canvas/types.js").TaskState>} [tasks]
 * @property {Record<string, number>} [counts]
 * @property {{state: string, word: string, settled: number, total: number, waiting: string, since: string, finished: string|null}} [facts]
 *
 * @typedef {object} RunLink
 * @property {(paused: boolean) => void} pause nothing is taken while paused; resuming asks for what was missed
 * @property {() => void} close
 */

/**
 * @param {{socket: string, poll: string, seq: number}} where
 * @param {{onMessage: (message: RunMessage) => void, onLink: (link: "live"|"lost"|"paused") => void}} on
 * @returns {RunLink}
 */
export function followRun(where, on) {
  let seq = where.seq;
  let paused = false;
  let asked = -1; // the seq a gap was asked for at: asked once, then what comes is taken
  let poller = 0;

  const take = (message, polled = false) => {
    if (paused || message.v !== 1 || message.seq <= seq) return;
    const first = message.events?.[0]?.seq;
    if (!polled && !message.snapshot && first > seq + 1 && asked !== seq) {
      asked = seq;
      socket.send({ resume: seq });
      return;
    }
    seq = message.seq;
    on.onMessage(message);
  };
  const poll = async () => {
    if (paused) return;
    const url = new URL(where.poll, location.href);
    url.searchParams.set("since", String(seq));
    const reply = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (reply?.ok) take(await reply.json(), true);
  };
  const stopPolling = () => {
    clearInterval(poller);
    poller = 0;
  };
  const socket = createSocket(where.socket, {
    onOpen(send) {
      stopPolling();
      if (!paused) on.onLink("live");
      send({ resume: seq });
    },
    onMessage: take,
    onLost(failures) {
      if (failures < FAILURES_BEFORE_POLLING || poller) return;
      if (!paused) on.onLink("lost");
      poller = setInterval(poll, POLL_EVERY);
      poll();
    },
  });
  return {
    pause(wanted) {
      paused = wanted;
      on.onLink(paused ? "paused" : poller ? "lost" : "live");
      if (!paused) socket.send({ resume: seq });
    },
    close() {
      stopPolling();
      socket.close();
    },
  };
}
