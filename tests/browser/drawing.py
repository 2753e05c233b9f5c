"""What tests do on the editor's canvas, in the words of somebody who draws."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect


class Drawing:
    """A tab with a draft on the canvas."""

    def __init__(self, page: Page, key: str) -> None:
        self.page, self.key = page, key

    @classmethod
    def opened(cls, page: Page, key: str) -> Drawing:
        page.goto(f"/workflows/{key}/edit/canvas/")
        found = cls(page, key)
        found.wait_until_ready()
        return found

    def wait_until_ready(self) -> None:
        expect(self.page.locator("[data-editor][data-ready]")).to_be_attached()

    def step(self, name: str) -> Locator:
        """The step of that name, as a screen reader finds it."""
        return self.page.locator(f'[role=option][aria-label^="{name},"]')

    def saved(self) -> None:
        """Waits until the label says so, and nothing waits any more."""
        expect(self.page.locator('[data-part="saved"]')).to_have_attribute("data-state", "saved")

    def draft(self) -> dict[str, Any]:
        self.saved()
        answer = self.page.request.get(f"/api/workflows/{self.key}/draft")
        assert answer.ok, answer.text()
        found: dict[str, Any] = answer.json()["definition"]
        return found

    def tasks(self) -> dict[str, Any]:
        found: dict[str, Any] = self.draft().get("tasks", {})
        return found

    def needs(self, name: str) -> list[str]:
        """Names of the steps it runs after."""
        tasks = self.tasks()
        task = next(task for task in tasks.values() if task["name"] == name)
        return [tasks[key]["name"] for key in task.get("dependencies", [])]

    def middle(self, name: str) -> tuple[float, float]:
        box = self.step(name).locator(".n-body").first.bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def port(self, name: str, port: str) -> tuple[float, float]:
        box = self.step(name).locator(f'[data-port="{port}"]').bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, steps: int = 8) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=steps)
        mouse.up()

    def connect(self, origin: str, to: str) -> None:
        self.drag(self.port(origin, "out"), self.middle(to))

    def pull(self, origin: str, right: float, down: float) -> None:
        """An edge out of a step, let go on free ground."""
        x, y = self.port(origin, "out")
        self.drag((x, y), (x + right, y + down))

    def choose(self, text: str, option: str = "") -> None:
        """In the list that is open."""
        picker = self.page.locator("#picker")
        expect(picker).to_be_visible()
        picker.locator("input").fill(text)
        if option:
            picker.get_by_role("option", name=option).first.click()
        else:
            self.page.keyboard.press("Enter")
        expect(picker).to_be_hidden()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """The name of the step that has the focus."""
        said: str = self.page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")
        return said.partition(",")[0]
