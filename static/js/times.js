/**
 * Moments in the reader's own zone and words: `<time datetime>`, with `data-ago`, `data-left` or `data-clock` (see _time.html); and
 * durations that count: `data-elapsed="<ISO time>"` up from a moment, `data-countdown="<ISO time>"` down to one.
 */

const DAY = 86400;

/** One figure and its unit: "34 min". @param {number} size in seconds */
function roughly(size) {
  const [value, unit] = size < 60 ? [size, "s"] : size < 3600 ? [size / 60, "min"] : size < DAY ? [size / 3600, "h"] : [size / DAY, "d"];
  return `${Math.floor(value)} ${unit}`;
}

/**
 * "just now", "4 min ago", "in 2 h", "3 d ago".
 * @param {number} seconds positive for the past
 */
export function ago(seconds) {
  const size = Math.abs(seconds);
  if (size < 5) return "just now";
  return seconds > 0 ? `${roughly(size)} ago` : `in ${roughly(size)}`;
}

/** Two figures, for what is decided by: "34 min", "2 h 5 min", "3 d 4 h". @param {number} seconds to go */
export function left(seconds) {
  if (seconds <= 0) return "no time";
  const whole = Math.floor(seconds / 60);
  if (whole < 60) return roughly(seconds);
  const [large, small, units] = whole < 1440 ? [Math.floor(whole / 60), whole % 60, ["h", "min"]] : [Math.floor(whole / 1440), Math.floor(whole / 60) % 24, ["d", "h"]];
  return small ? `${large} ${units[0]} ${small} ${units[1]}` : `${large} ${units[0]}`;
}

/**
 * As short as it can be without doubt: the time for today, the day this year, the year otherwise.
 * @param {Date} at
 * @param {Date} now
 */
export function local(at, now) {
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (at.toDateString() === now.toDateString()) return time;
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${at.toLocaleDateString(undefined, { day: "numeric", month: "short", year })} ${time}`;
}

/** @param {Date} at */
function clockTime(at) {
  return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

/** Seconds as people say them: 0:07, 12:40, 3:04:41, 2 d 4 h. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  if (days) return `${days} d ${hours} h`;
  const minutes = Math.floor(whole / 60) % 60;
  const two = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function count(now) {
  for (const element of document.querySelectorAll("[data-elapsed]")) {
    element.textContent = clock((now - Date.parse(element.dataset.elapsed)) / 1000);
  }
  for (const element of document.querySelectorAll("[data-countdown]")) {
    element.textContent = clock((Date.parse(element.dataset.countdown) - now) / 1000);
  }
}

function render(element, now) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  element.title ||= at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  if ("ago" in element.dataset) element.textContent = ago((now - at) / 1000);
  else if ("left" in element.dataset) element.textContent = left((at - now) / 1000);
  else if ("clock" in element.dataset) element.textContent = clockTime(at);
  else element.textContent = local(at, now);
}

/** @param {ParentNode} [root] */
export function renderTimes(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[datetime]")) render(element, now);
}

export function startTimes() {
  renderTimes();
  count(new Date());
  setInterval(() => {
    if (document.hidden) return;
    const now = new Date();
    for (const element of document.querySelectorAll("time[data-ago], time[data-left]")) render(element, now);
    count(now);
  }, 1000);
}
