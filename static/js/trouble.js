/** When a request of htmx does not get through: a bar with what happened, its number, and a way to try again. */

/** @type {{elt: Element, name: string}|null} */
let failed = null;

export function startTrouble() {
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    say(event.detail, said(xhr) ?? sentence(xhr.status, xhr.getResponseHeader("X-Request-ID"), xhr.getResponseHeader("Retry-After")));
  });
  document.addEventListener("htmx:sendError", (event) => say(event.detail, "The server could not be reached. Nothing was changed."));
  document.addEventListener("htmx:timeout", (event) => say(event.detail, "The server did not answer in time. Look whether it was done before you try again."));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) close();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-trouble-retry]")) retry();
    if (event.target.closest("[data-trouble-close]")) close();
  });
  document.addEventListener("htmx:afterSwap", focusOnErrors);
}

/** While the database is away the server says what that means for this request; a proxy before it would send a page. */
function said(xhr) {
  const isSentence = xhr.status === 503 && xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  return isSentence ? xhr.responseText : null;
}

/** @param {number} status @param {string|null} number @param {string|null} wait seconds */
export function sentence(status, number, wait) {
  const known = {
    403: "You may not do this.",
    404: "This is no longer there.",
    429: wait ? `Too many requests. Try again in ${wait} s.` : "Too many requests. Try again in a moment.",
    503: "The server is busy. Try again in a moment.",
  };
  const text = known[status] ?? `The server could not do this (${status}).`;
  return number ? `${text} Request ${number}.` : text;
}

function say(detail, text) {
  const bar = document.getElementById("trouble");
  if (!bar) return;
  failed = { elt: detail.elt, name: detail.requestConfig?.triggeringEvent?.type ?? "click" };
  bar.querySelector("[data-trouble-text]").textContent = text;
  bar.hidden = false;
}

function retry() {
  const again = failed;
  close();
  if (!again?.elt.isConnected) return;
  if (again.elt instanceof HTMLFormElement) again.elt.requestSubmit();
  else globalThis.htmx.trigger(again.elt, again.name);
}

function close() {
  const bar = document.getElementById("trouble");
  if (bar) bar.hidden = true;
  failed = null;
}

/** After a 422 the summary of errors takes the focus, so that it is read and reached. */
function focusOnErrors(event) {
  event.detail.target?.querySelector?.("[data-focus]")?.focus();
}
