/** Who else has the draft open: up to four avatars and the number of those beyond, each with its name in words. */
import { announceSoon } from "../announce.js";

const MOST = 4;
const LINGER = 3000; // one page goes and the next has yet to come
const GREET_AGAIN = 60000;

/**
 * @param {HTMLElement} host is emptied and hidden while nobody is there
 * @param {{nameOf?: (key: string) => string|undefined}} [options] what the task with this key is called
 * @returns {{show: (people: import("./presence.js").Person[], me: {id: number}) => void, clear: () => void}}
 */
export function createPeople(host, { nameOf = (key) => key } = {}) {
  /** @type {Map<number, {one: import("./presence.js").Person, at: number}>} at: when they were here last */
  const seen = new Map();
  let here = [];
  let timer = 0;
  let shown = "";

  /** Whoever is here, and whoever has only just gone: most of them are between two pages. */
  const redraw = () => {
    clearTimeout(timer);
    const now = performance.now();
    for (const one of here) seen.set(one.id, { one, at: now });
    const fresh = [...seen.values()].filter(({ at }) => now - at < LINGER).map(({ one }) => one);
    if (fresh.length > here.length) timer = setTimeout(redraw, LINGER);
    draw(fresh.sort((one, other) => one.name.localeCompare(other.name) || one.id - other.id));
  };
  const draw = (others) => {
    const words = others.map((one) => (one.at ? `${one.name}, at ${nameOf(one.at) ?? one.at}` : one.name));
    const state = JSON.stringify(words);
    if (state === shown) return; // an avatar that is drawn anew loses its tooltip
    shown = state;
    host.hidden = !others.length;
    const fits = others.length > MOST + 1 ? MOST : others.length; // "+1" would take the room of the one it hides
    const list = document.createElement("ul");
    list.className = "avatars people";
    list.setAttribute("aria-label", "Also editing");
    others.slice(0, fits).forEach((one, index) => list.append(avatar(one.initials, words[index])));
    if (others.length > fits) list.append(avatar(`+${others.length - fits}`, words.slice(fits).join("; ")));
    host.replaceChildren(...(others.length ? [list] : []));
  };
  const greet = (one) => {
    const last = seen.get(one.id)?.at ?? -Infinity;
    if (performance.now() - last > GREET_AGAIN) announceSoon(`${one.name} is editing, too`);
  };
  return {
    show(people, me) {
      redraw(); // until now those were here who were here before
      here = people.filter((one) => one.id !== me.id);
      here.forEach(greet);
      redraw();
    },
    /** It is not known who is there. */
    clear() {
      here = [];
      for (const [id, { one }] of seen) seen.set(id, { one, at: performance.now() - LINGER });
      redraw();
    },
  };
}

function avatar(letters, words) {
  const item = document.createElement("li");
  item.className = "avatar";
  item.title = words;
  const seen = document.createElement("span");
  seen.setAttribute("aria-hidden", "true");
  seen.textContent = letters;
  const heard = document.createElement("span");
  heard.className = "sr";
  heard.textContent = words;
  item.append(seen, heard);
  return item;
}
