/** What screen readers are told. One polite region for the page, so that messages do not talk over each other. */

const PAUSE = 5000;

let waiting = [];
let timer = 0;
let last = -Infinity;

/** Says it now. For what a person is waiting for: a failure, an approval, the answer to their own click. */
export function announceNow(text) {
  const region = document.getElementById("announcer");
  if (!region) return;
  last = performance.now();
  // A repeated sentence is only read again when the text changes.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

/**
 * Says it with everything else of the same five seconds, in one message.
 * @param {string} text
 * @param {(texts: string[]) => string} [merge]
 */
export function announceSoon(text, merge = (texts) => texts.join(", ")) {
  waiting.push(text);
  if (timer) return;
  const wait = Math.max(0, last + PAUSE - performance.now());
  timer = setTimeout(() => {
    const texts = waiting;
    waiting = [];
    timer = 0;
    announceNow(merge(texts));
  }, wait);
}
