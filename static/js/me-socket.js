/**
 * What waits for the signed-in person: `{v: 1, approvals: n, as_of: mark}`. Numbers on the rail follow, and so do parts marked
 * `data-refresh="approvals"` that were made as of another mark, which is read before they are: what came in between is news to them.
 */
import { announceNow } from "./announce.js";
import { createSocket } from "./socket.js";

export function startBadges() {
  if (!document.querySelector("[data-badge]")) return;
  createSocket("/ws/me/", {
    onMessage(message) {
      if (message.v !== 1 || typeof message.approvals !== "number") return;
      setBadge("approvals", message.approvals);
      renew("approvals", message.as_of);
    },
  });
}

/** @param {string} key @param {number} count */
function setBadge(key, count) {
  let before = count;
  for (const badge of document.querySelectorAll(`[data-badge="${key}"]`)) {
    const figure = badge.querySelector("[data-badge-figure]");
    before = Number(figure.textContent);
    figure.textContent = String(count);
    badge.hidden = count === 0;
  }
  if (count > before) announceNow(count === 1 ? "One approval waits for you" : `${count} approvals wait for you`);
}

/** @param {string} key @param {string} mark */
function renew(key, mark) {
  for (const part of document.querySelectorAll(`[data-refresh~="${key}"]`)) {
    const made = part.closest("[data-as-of]") ?? part.querySelector("[data-as-of]");
    if (made?.dataset.asOf !== mark) globalThis.htmx?.trigger(part, "refresh");
  }
}
