/**
 * The run page. Reads `<script type="application/json" id="run-data">`:
 *
 *   {run, seq, status, live, canvas: GraphData, counts, facts, timeline: TimelineData,
 *    socket, poll, panel, timelineUrl}
 *
 * draws the canvas (#canvas) and the timeline ([data-timeline]), and keeps them, the facts, the list and the panel in step
 * with what the socket says. Without script the page shows the same as of when it was loaded.
 */
import { announceNow } from "./announce.js";
import { mountCanvas } from "./canvas/canvas.js";
import { onKey } from "./keys.js";
import { isOver, showCounts, showElapsed, showFacts, showProgress } from "./run/facts.js";
import { createPanel, refresh } from "./run/panel.js";
import { markRow, startFilter, tickRow, updateRow } from "./run/rows.js";
import { speak } from "./run/speech.js";
import { nextView, startViews } from "./run/views.js";
import { followRun } from "./socket.js";
import { mountTimeline } from "./timeline.js";

const LINKS = {
  live: ["Live", "Updates are live again"],
  lost: ["Checking every 5 s", "Live updates lost, checking every 5 s"],
  paused: ["Paused", "Updates paused"],
};

function start(data) {
  const root = document.querySelector(".run");
  const panel = createPanel(data.panel, {
    onOpen(key) {
      canvas.select(key);
      markRow(key);
    },
    onLeave: (key) => canvas.focus(key),
  });
  const canvas = mountCanvas(document.getElementById("canvas"), data.canvas, {
    label: document.getElementById("canvas").dataset.label,
    selected: panel.key(),
    onOpen: panel.open,
    onBack: panel.close,
  });
  const strip = document.querySelector("[data-timeline]");
  const timeline = strip ? mountTimeline(strip, data.timeline) : null;
  const page = { data, root, canvas, timeline, panel, status: data.status, facts: data.facts, paused: false };
  startViews(root);
  startFilter();
  listenToRunKeys(page);
  tick(page);
  setInterval(() => tick(page), 1000);
  if (data.live) follow(page);
}

function follow(page) {
  let known = "live";
  const link = followRun(
    { socket: page.data.socket, poll: page.data.poll, seq: page.data.seq },
    {
      onMessage(message) {
        take(page, message);
        if (isOver(page.status)) finish(page, link);
      },
      onLink(state) {
        showLink(state);
        if (state !== known) announceNow(LINKS[state][1]);
        known = state;
      },
    },
  );
  page.pause = (on) => {
    page.paused = on;
    page.root.toggleAttribute("data-paused", on);
    page.canvas.pause(on);
    page.timeline?.pause(on);
    link.pause(on);
  };
  document.querySelector("[data-pause-updates]")?.addEventListener("click", () => page.pause(!page.paused));
}

/** @param {import("./socket.js").RunMessage} message */
function take(page, message) {
  const { model } = page.canvas;
  const states = message.tasks ?? {};
  const changes = Object.keys(states)
    .filter((key) => model.nodes.has(key))
    .map((key) => ({ task: model.nodes.get(key), before: model.nodes.get(key).state, line: states[key].line }));
  page.canvas.update(states);
  for (const { task, line } of changes) updateRow(task, line);
  if (message.snapshot) refetchTimeline(page);
  else page.timeline?.take(message.events ?? []);
  page.facts = message.facts ?? page.facts;
  showFacts(page.facts);
  showProgress(page.data.canvas.nodes.map(({ key }) => model.nodes.get(key)));
  if (message.counts) showCounts(message.counts);
  speak(changes);
  if (message.status !== page.status) turn(page, message.status);
  if (panelIsTouched(page, states, message.events ?? [])) refresh("task");
  if (message.events?.length) refresh("events");
}

function panelIsTouched(page, states, events) {
  const open = page.panel.key();
  return open !== null && (open in states || events.some((event) => event.task === open));
}

function turn(page, status) {
  page.status = status;
  announceNow(`Run ${page.facts.word.toLowerCase()}`);
  refresh("head");
}

function finish(page, link) {
  link.close();
  refetchTimeline(page);
  showLink("ended");
  tick(page);
}

/** The server knows better than the page what a stretch of missed or ended time looked like. */
async function refetchTimeline(page) {
  const reply = await fetch(page.data.timelineUrl, { headers: { Accept: "application/json" } }).catch(() => null);
  if (reply?.ok) page.timeline?.replace(await reply.json());
}

function showLink(state) {
  for (const dot of document.querySelectorAll("[data-link-dot]")) dot.dataset.link = state;
  for (const word of document.querySelectorAll("[data-link-word]")) word.textContent = LINKS[state]?.[0] ?? "Ended";
  for (const button of document.querySelectorAll("[data-pause-updates]")) {
    button.hidden = state === "ended";
    button.setAttribute("aria-pressed", String(state === "paused"));
    button.querySelector("[data-pause-word]").textContent = state === "paused" ? "Resume updates" : "Pause updates";
  }
}

function tick(page) {
  if (page.paused || document.hidden) return;
  if (page.facts.since) showElapsed(page.facts.since, page.facts.finished);
  for (const task of page.canvas.model.nodes.values()) if (task.since || task.until) tickRow(task);
}

function listenToRunKeys(page) {
  onKey("v", () => nextView(page.root));
  onKey("p", () => page.pause?.(!page.paused));
  onKey("f", () => {
    const { model } = page.canvas;
    const failed = model.order.filter((key) => model.nodes.get(key).state === "failed");
    if (!failed.length) return announceNow("No task has failed");
    const next = failed[(failed.indexOf(page.panel.key()) + 1) % failed.length];
    page.canvas.focus(next);
    return page.panel.open(next);
  });
}

const source = document.getElementById("run-data");
if (source) start(JSON.parse(source.textContent));
