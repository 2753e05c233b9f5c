/** Trying the draft where it is drawn: what a test run would do is told first; then its states are painted on the same canvas. */
import { open as openDialog } from "../dialog.js";
import { followRun } from "../socket.js";

const HOW = { earnest: "Run in earnest", pin: "Pinned", past: "From a past run", mock: "Made up", nothing: "No output is known", left_out: "Left out" };
const ENDED = new Set(["completed", "failed", "cancelled"]);

/**
 * @param {{page: HTMLElement, find: (name: string) => HTMLElement, surface: () => any, session: any, commands: any, data: any, announce: (text: string) => void}} parts
 */
export function createTrying({ find, surface: surfaceOf, session, commands, data, announce }) {
  const dialog = document.getElementById("try-dialog");
  const part = (name) => dialog.querySelector(`[data-try="${name}"]`);
  const strip = find("trial");
  let link = null;
  let touched = new Set();
  let asked = 0;

  async function open() {
    const [key] = commands.keys();
    for (const choice of dialog.querySelectorAll("[name=scope]")) choice.disabled = choice.value !== "all" && !key;
    dialog.querySelector("[name=scope][value=all]").checked = true;
    part("task").textContent = key ? commands.name(key) : "no step is selected";
    dialog.dataset.task = key ?? "";
    openDialog("try-dialog");
    await session.flush();
    look();
  }

  function scope() {
    const kind = dialog.querySelector("[name=scope]:checked").value;
    return kind === "all" ? { kind } : { kind, task: dialog.dataset.task };
  }

  /** What it would do. */
  async function look() {
    const number = (asked += 1);
    const { kind, task = "" } = scope();
    part("start").disabled = true;
    part("more").href = `${data.tryPage}?${new URLSearchParams({ kind, task })}`;
    const reply = await fetch(`${data.api}/try?${new URLSearchParams({ scope: kind, task })}`, { headers: { Accept: "application/json" } }).catch(() => null);
    const told = reply ? await reply.json().catch(() => null) : null;
    if (number !== asked) return;
    const wrong = told?.steps ? [...told.problems, ...told.missing].map((one) => one.message) : [told?.error?.message ?? "The server does not answer. Try again in a moment."];
    part("warning").textContent = told?.warning ?? "";
    fill(part("wrong"), wrong);
    fill(part("steps"), (told?.steps ?? []).slice(0, 200).map((step) => `${step.name}: ${HOW[step.how].toLowerCase()}${step.acts ? `, ${step.acts}` : ""}`));
    part("start").disabled = !told?.ready;
  }

  async function begin() {
    part("start").disabled = true;
    const reply = await fetch(`${data.api}/try`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": data.csrf, Accept: "application/json" },
      body: JSON.stringify({ scope: scope(), base_rev: session.rev(), batch: crypto.getRandomValues(new Uint32Array(3)).join("-") }),
    }).catch(() => null);
    const answer = reply ? await reply.json().catch(() => null) : null;
    if (!reply?.ok) {
      fill(part("wrong"), [answer?.error?.message ?? "The server does not answer. Try again in a moment."]);
      part("start").disabled = false;
      return;
    }
    dialog.close();
    follow(answer);
  }

  /** @param {{run: number, url: string, socket: string}} run */
  function follow(run) {
    stop();
    strip.hidden = false;
    strip.querySelector("a").href = run.url;
    tell(`Test run ${run.run} has begun`);
    link = followRun({ socket: run.socket, poll: `${run.url}live/`, seq: 0 }, {
      onLink() {},
      onMessage(message) {
        paint(message.tasks ?? {});
        const word = message.facts?.word ?? message.status;
        tell(`Test run ${run.run}: ${word}${message.facts ? `, ${message.facts.settled} of ${message.facts.total} done` : ""}`);
        if (!ENDED.has(message.status)) return;
        announce(`Test run ${word}`);
        link?.close();
        link = null;
      },
    });
  }

  function paint(states) {
    const surface = surfaceOf();
    for (const key of Object.keys(states)) touched.add(key);
    surface.view.repaint(surface.model.apply(states));
    surface.sight.changed();
  }

  /** The canvas shows the draft alone again. */
  function stop() {
    link?.close();
    link = null;
    paint(Object.fromEntries([...touched].map((key) => [key, { state: null }])));
    touched = new Set();
    strip.hidden = true;
  }

  function tell(text) {
    strip.querySelector("span").textContent = text;
  }

  dialog.addEventListener("change", look);
  part("start").addEventListener("click", begin);
  strip.querySelector("[data-trial-stop]").addEventListener("click", stop);
  return { open, stop };
}

function fill(list, lines) {
  list.hidden = !lines.length;
  list.replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}
