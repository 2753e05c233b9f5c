/** Who else has the draft open: up to four avatars and the number of those beyond, each with its name in words. */
import { announceSoon } from "../announce.js";

const MOST = 4;

/**
 * @param {HTMLElement} host is emptied and hidden while nobody is there
 * @param {{nameOf?: (key: string) => string|undefined}} [options] what the task with this key is called
 * @returns {{show: (people: import("./presence.js").Person[], me: {id: number}) => void, clear: () => void}}
 */
export function createPeople(host, { nameOf = (key) => key } = {}) {
  let here = new Map();
  let shown = "";

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
  return {
    show(people, me) {
      const others = people.filter((one) => one.id !== me.id);
      for (const one of others) if (!here.has(one.id)) announceSoon(`${one.name} is editing, too`);
      here = new Map(others.map((one) => [one.id, one]));
      draw(others);
    },
    /** It is not known who is there. They are greeted once more when they are back. */
    clear() {
      here = new Map();
      draw([]);
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
