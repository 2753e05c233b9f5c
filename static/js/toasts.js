/** Short notes in the corner. They go by themselves unless they hold an error; the pointer or the focus keeps them. */

const STAY = 6000;

export function startToasts() {
  const host = document.getElementById("toasts");
  if (!host) return;
  enliven();
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) event.target.closest("[data-toast]")?.remove();
  });
  // A view may answer with HX-Trigger: {"toast": {"text": "…", "state": "success"}}.
  document.addEventListener("toast", (event) => show(event.detail.text, event.detail.state));
}

/** Those that came from the server. */
export function enliven() {
  for (const toast of document.querySelectorAll("#toasts [data-toast]")) live(toast);
}

/**
 * @param {string} text
 * @param {"success"|"failed"|"queued"} [state]
 */
export function show(text, state = "queued") {
  const toast = document.createElement("div");
  toast.className = `toast s-${state}`;
  toast.setAttribute("role", "status");
  toast.dataset.toast = "";
  const said = document.createElement("p");
  said.textContent = text;
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "btn btn-quiet btn-sm", textContent: "Dismiss" });
  close.dataset.dismiss = "";
  toast.append(said, close);
  document.getElementById("toasts")?.append(toast);
  live(toast);
}

function live(toast) {
  if (toast.dataset.alive || toast.classList.contains("s-failed")) return;
  toast.dataset.alive = "yes";
  let timer = 0;
  const start = () => {
    timer = setTimeout(() => toast.remove(), STAY);
  };
  const stay = () => clearTimeout(timer);
  for (const on of ["pointerenter", "focusin"]) toast.addEventListener(on, stay);
  for (const off of ["pointerleave", "focusout"]) toast.addEventListener(off, start);
  start();
}
