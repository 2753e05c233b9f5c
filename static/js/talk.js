/** The page of a request keeps up with what others say and do: `/ws/approvals/N/` tells `{v: 1, seq, status, question}`, and the parts that changed renew themselves. */
import { createSocket, FAILURES_BEFORE_POLLING, POLL_EVERY } from "./socket.js";

const record = () => document.getElementById("record");

function renew(what) {
  for (const part of document.querySelectorAll(`[data-refresh~="${what}"]`)) globalThis.htmx?.trigger(part, "refresh");
}

/** @param {{v: number, seq: number, status: string, question: number}} message `question`: the one that is open, or 0 */
function hear(message) {
  const known = record()?.dataset;
  if (message.v !== 1 || !known) return;
  const asked = document.getElementById("question")?.dataset.question;
  if (message.question !== Number(asked)) renew("question");
  // What somebody types into a form of the bar stays; once it is sent they hear who was first.
  if (message.status !== known.status && !document.querySelector("#decide details[open]")) renew("decide");
  if (message.seq > Number(known.seq) || message.status !== known.status) renew("talk");
}

function follow(path) {
  let poller = 0;
  const socket = createSocket(path, {
    onOpen: () => (poller = clearInterval(poller) ?? 0),
    onMessage: hear,
    onLost(failures) {
      if (failures >= FAILURES_BEFORE_POLLING && !poller) poller = setInterval(renew, POLL_EVERY, "talk");
    },
  });
  return {
    path,
    stop() {
      clearInterval(poller);
      socket.close();
    },
  };
}

let followed = { path: "", stop() {} };
let settling = 0;

/** The request that is shown, which may be another by now. */
function look() {
  const path = record()?.dataset.talk ?? "";
  if (path === followed.path) return;
  followed.stop();
  followed = path ? follow(path) : { path, stop() {} };
}

look();
// Not for those that are only passed by on the way to another.
document.addEventListener("htmx:load", () => {
  clearTimeout(settling);
  settling = setTimeout(look, 300);
});
