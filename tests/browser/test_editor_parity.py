"""What the browser makes of an edit before the server has answered is what the server makes of it, and what the canvas draws of a
draft is what it draws of a published version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from editor.canvas_view import palette
from editor.operations import OperationError, carry_out, difference
from orchestrator import catalog
from orchestrator.reads.canvas import canvas
from tests.browser.conftest import People
from tests.unit.operation_strategies import BY_NAME, drafts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_DRAFTS = """async (cases) => { const { applied, withChanges } = await import("/static/js/editor/document.js");
  return cases.map(({ draft, op, changes }) => [withChanges(draft, changes), applied(draft, [op])].map((one) => JSON.stringify(one))); }"""
_GRAPHS = """async ([drafts, actions]) => { const { graphOf } = await import("/static/js/editor/graph.js");
  return drafts.map((draft) => JSON.parse(JSON.stringify(graphOf(draft, actions)))); }"""

# Expressions are rewritten by the server alone; the browser shows them as soon as it has answered.
_REWRITES = ("rename", "paste")

# A failing batch names its one case; making a batch of a dozen drafts smaller took minutes.
_QUICKLY = (Phase.explicit, Phase.generate)


def _plain(value: Any) -> Any:
    """Numbers as a browser has them, which knows no difference between 1 and 1.0."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def _in_order(text: str) -> Any:
    """What JSON text says, the order of names in a map included; numbers are written differently in the two languages."""
    return _plain(json.loads(text, object_pairs_hook=lambda pairs: ("map", *pairs)))


@pytest.fixture
def page(people: People) -> Page:
    found = people.stranger()
    found.goto("/sign-in/")
    return found


def _cases(pairs: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
    found = []
    for draft, operation in pairs:
        try:
            after = carry_out(draft, [operation])
        except OperationError:
            continue
        changes = [change.as_json() for change in difference(draft, after)]
        found.append({"draft": draft, "op": operation, "changes": changes, "after": after})
    return found


@pytest.mark.parametrize("name", BY_NAME)
def test_the_browser_makes_the_same_of_an_operation(page: Page, name: str) -> None:
    @settings(max_examples=3, phases=_QUICKLY, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(drafts(), BY_NAME[name]), min_size=5, max_size=12))
    def agree(pairs: list[tuple[Any, Any]]) -> None:
        cases = _cases(pairs)
        for case, (by_changes, by_meaning) in zip(cases, page.evaluate(_DRAFTS, cases), strict=True):
            assert _in_order(by_changes) == _in_order(json.dumps(case["after"])), case
            if name not in _REWRITES:
                assert json.loads(by_meaning) == _plain(case["after"]), case

    agree()


def test_the_canvas_draws_a_draft_as_it_draws_a_version(page: Page) -> None:
    definitions = [template.definition for template in catalog.templates()]
    actions = {one["name"]: one for one in palette()}
    for definition, drawn in zip(definitions, page.evaluate(_GRAPHS, [definitions, actions]), strict=True):
        wanted = canvas(definition)
        assert [_without_empty(one) for one in drawn["nodes"]] == [
            _without_empty(one) for one in wanted["nodes"]
        ]
        assert sorted(map(_edge, drawn["edges"])) == sorted(map(_edge, wanted["edges"]))


def _without_empty(node: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if value not in ("", None)}


def _edge(edge: dict[str, Any]) -> tuple[str, ...]:
    return edge["from"], edge["to"], edge.get("label", ""), edge.get("kind", "dependency")
