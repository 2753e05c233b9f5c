/**
 * Dialogs are native: a button with `data-dialog="id"` opens one, `data-close` inside closes it. `hx-confirm` asks through
 * our dialog instead of the browser's; the first sentence is the heading, `data-confirm-label` names the button. A plain form
 * (or its button) with `data-confirm` asks the same way.
 */

export function startDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      event.preventDefault(); // a link leads to the same as a page
      open(opener.dataset.dialog);
    }
    const closer = event.target.closest("dialog [data-close]");
    if (closer) closer.closest("dialog").close();
    if (event.target.matches("dialog")) closeFromOutside(event);
    closeMenus(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(document.body);
  });
  document.addEventListener("submit", askBeforeSubmit);
}

/** @param {string} id */
export function open(id) {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

function closeFromOutside(event) {
  const box = event.target.getBoundingClientRect();
  const within = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!within) event.target.close();
}

function closeMenus(target) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu.contains(target) && !target.closest("[data-dialog]")) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}

function askBeforeSubmit(event) {
  const form = event.target;
  const holder = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!holder.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(holder.dataset.confirm, holder.dataset).then((yes) => {
    if (!yes) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(event.submitter);
    delete form.dataset.confirmed;
  });
}

/**
 * @param {string} question its first sentence becomes the heading
 * @param {DOMStringMap} wording `confirmLabel`, and `confirmDanger` for what cannot be undone
 * @returns {Promise<boolean>}
 */
export function ask(question, wording) {
  const dialog = document.getElementById("confirm-dialog");
  const cut = question.search(/(?<=[?.!])\s/);
  const yes = dialog.querySelector("[data-confirm-yes]");
  dialog.querySelector("[data-confirm-title]").textContent = cut < 0 ? question : question.slice(0, cut);
  dialog.querySelector("[data-confirm-text]").textContent = cut < 0 ? "" : question.slice(cut).trim();
  yes.textContent = wording.confirmLabel ?? "Go on";
  yes.className = "confirmDanger" in wording ? "btn btn-stop" : "btn btn-go";
  return new Promise((resolve) => {
    const stop = new AbortController();
    const settle = (answer) => {
      stop.abort();
      resolve(answer);
    };
    yes.addEventListener("click", () => {
      settle(true);
      dialog.close();
    }, { signal: stop.signal });
    dialog.addEventListener("close", () => dialog.open || settle(false), { signal: stop.signal });
    dialog.showModal();
  });
}
