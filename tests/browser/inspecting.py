"""The inspector alone on a page of the served Baton, for tests: real answers, real operations, no canvas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Locator, Page

_MOUNT = """async ({ key, task }) => {
  const { mountInspector } = await import("/static/js/editor/inspector.js");
  const { startTabs } = await import("/static/js/editor/tabs.js");
  const style = document.createElement("link");
  Object.assign(style, { rel: "stylesheet", href: "/static/css/inspector.css" });
  document.head.append(style);
  const panel = document.createElement("aside");
  panel.id = "inspector";
  panel.setAttribute("aria-label", "Inspector");
  Object.assign(panel.style, { width: "340px", marginLeft: "auto", background: "var(--surface)" });
  document.getElementById("main").replaceChildren(panel);
  document.querySelector(".page-head")?.remove();
  const api = `/api/workflows/${key}/draft`;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] };
  const ask = async (end, body) => {
    const reply = await fetch(api + end, body ? { method: "POST", headers, body: JSON.stringify(body) } : undefined);
    const found = await reply.json();
    if (!reply.ok) throw new Error(found.error.message);
    return found;
  };
  const page = globalThis.held = { sent: [], labels: [], said: [], pending: 0, queue: Promise.resolve(), draft: await ask("") };
  page.reread = async () => { page.draft = await ask(""); return page.draft; };
  page.inspector = mountInspector(panel, {
    tabs: startTabs(panel),
    url: (one) => `/workflows/${key}/edit/inspector/${one === null ? "" : `${one}/`}`,
    task: () => task,
    readDraft: () => page.draft.definition,
    announce: (text) => page.said.push(text),
    async send(ops, { label }) {
      page.sent.push(ops);
      page.labels.push(label);
      page.pending += 1;
      const stored = page.queue.then(() => ask("/ops", { base_rev: page.draft.rev, ops }));
      page.queue = stored.then((draft) => { page.draft = draft; }, () => {}).finally(() => { page.pending -= 1; });
      await stored;
    },
  });
  await page.inspector.show(task);
}"""

_MAKE = """async ({ name, ops }) => {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const post = (url, body, type) => fetch(url, { method: "POST", headers: { "X-CSRFToken": token, ...type }, body });
  const made = await post("/workflows/new/blank/", new URLSearchParams({ name }));
  const key = new URL(made.url).pathname.split("/")[2];
  const body = JSON.stringify({ base_rev: 1, ops });
  const reply = await post(`/api/workflows/${key}/draft/ops`, body, { "Content-Type": "application/json" });
  if (!reply.ok) throw new Error(await reply.text());
  return key;
}"""


class Inspecting:
    """A draft of its own, and the inspector over it. `task` None: the workflow's own form."""

    def __init__(self, page: Page, name: str, operations: Sequence[Any], task: str | None) -> None:
        self.page = page
        page.goto("/workflows/")
        self.key: str = page.evaluate(_MAKE, {"name": name, "ops": list(operations)})
        page.goto(f"/workflows/{self.key}/edit/")
        page.evaluate(_MOUNT, {"key": self.key, "task": task})

    @property
    def panel(self) -> Locator:
        return self.page.locator("#inspector")

    def at(self, *path: str) -> Locator:
        return self.panel.locator(f"[data-path='{json.dumps(list(path))}']")

    def show(self, task: str | None) -> None:
        self.page.evaluate("(task) => held.inspector.show(task)", task)

    def tab(self, name: str) -> None:
        self.panel.get_by_role("tab", name=name).click()

    @property
    def sent(self) -> list[list[dict[str, Any]]]:
        found: list[list[dict[str, Any]]] = self.page.evaluate("held.sent")
        return found

    def draft(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("held.reread().then(({ definition }) => definition)")
        return found

    def wait_for_sent(self, count: int) -> None:
        self.page.wait_for_function("(count) => held.sent.length >= count", arg=count)

    def settle(self) -> None:
        """Until what was sent is stored and the panel shows it."""
        self.page.wait_for_function(
            "() => !held.pending && !document.querySelector('#inspector[aria-busy], #inspector [data-unsent]')"
        )

    def someone_else(self, *operations: dict[str, Any]) -> None:
        """Stored by another tab: this one is told by `refresh` alone."""
        self.page.evaluate(
            """async ({ key, ops }) => {
                const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
                const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
                const { rev } = await held.reread();
                const body = JSON.stringify({ base_rev: rev, ops });
                await fetch(`/api/workflows/${key}/draft/ops`, { method: "POST", headers, body });
                await held.reread();
            }""",
            {"key": self.key, "ops": list(operations)},
        )
        self.page.evaluate("held.inspector.refresh(document.querySelector('.inspect').dataset.task || null)")
