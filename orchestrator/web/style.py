"""The style page: every part that pages are made of, drawn from the real partials and style sheets, in both themes.

For whoever changes the look of Baton; it is there in debug mode alone and shows nothing of anybody's.
"""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orchestrator.exceptions import ConflictError
from orchestrator.reads.shown import as_text, entries
from orchestrator.reads.states import LEGEND, WORDS, State

THEMES: Final = ("light", "dark")
GROUNDS: Final = (
    *("bg", "surface", "raised", "sunken", "line", "control"),
    *("ink", "muted", "accent", "accent-soft", "edge", "edge-taken"),
)
STATES: Final[tuple[State, ...]] = ("queued", "running", "success", "failed", "retrying", "waiting")
TYPE: Final = (
    ("32", "32/600, one figure", "82 of 100"),
    ("24", "24/600, page", "Good morning, Dana"),
    ("20", "20/600, record", "Regional sales"),
    ("16", "16/600, section", "Needs you"),
    ("15", "15/400, text", "Baton carries the work from hand to hand."),
    ("14", "14/400 to 600, controls and tables", "Approve spend, waiting for Finance"),
    ("12", "12/400 to 600, second lines", "Agent CB, 212 of 340"),
)
# state, glyph where it is not the state's own, word
BADGES: Final = (
    ("queued", "", "Queued"),
    ("running", "", "Running"),
    ("success", "", "Completed"),
    ("failed", "", "Failed 3/3"),
    ("failed", "g-timeout", "Timed out"),
    ("retrying", "", "Retrying 2/3"),
    ("waiting", "", "Waiting for Dana"),
    ("waiting", "g-timer", "Waiting to 18:30"),
    ("waiting", "g-event", "Waiting for event"),
    ("skipped", "", "Skipped"),
    ("cancelled", "", "Cancelled"),
    ("paused", "", "Paused"),
    ("rolledback", "", "Rolled back"),
)
# name, kind, icon, state, and what more the canvas is told
_NODES: Final[tuple[tuple[str, str, str, str, dict[str, Any]], ...]] = (
    ("Clean APAC", "work", "i-bot", "queued", {}),
    ("Extract APAC", "work", "i-bot", "running", {"figure": "0:41", "progress": 0.62}),
    ("Extract EMEA", "work", "i-bot", "success", {"figure": "1:04"}),
    ("Archive raw files", "work", "i-file-text", "failed", {"word": "Failed 3/3", "figure": "0:52"}),
    ("Load warehouse", "work", "i-globe", "failed", {"word": "Timed out", "glyph": "g-timeout"}),
    ("Extract AMER", "work", "i-bot", "retrying", {"word": "Retrying 2/3", "figure": "0:07"}),
    ("Approve spend", "person", "i-hand", "waiting", {"word": "Waiting", "figure": "Dana"}),
    ("Wait for window", "condition", "i-split", "waiting", {"word": "To 18:30", "glyph": "g-timer"}),
    ("Wait for invoice", "condition", "i-split", "waiting", {"word": "For an event", "glyph": "g-event"}),
    ("Auto-approve", "condition", "i-split", "skipped", {}),
    ("Load 2024-03", "work", "i-bot", "cancelled", {}),
    ("Access review", "person", "i-hand", "paused", {}),
    ("Roll out 100 %", "work", "i-bot", "rolledback", {}),
    ("Design state", "work", "i-globe", "", {"note": "API call"}),
    ("Selected", "person", "i-hand", "", {"note": "Approval"}),
    ("Has a problem", "work", "i-file-text", "", {"note": "File", "problem": "The path is empty."}),
    ("Names its agent", "work", "i-bot", "", {"note": "Agent task", "agent": "CA"}),
    ("A name that is much too long for it", "work", "i-bot", "", {"note": "Agent task"}),
)
GIVEN: Final = {"name": "Extract AMER", "agent": "can:python", "deadline": "4 hrs", "checkpoint": "on"}
ISSUE: Final = {
    "path": "tasks.load.parameters.path",
    "code": "field.required",
    "message": "A path is needed; write one, such as data/in.csv.",
}
_COLUMNS: Final = 3
_PITCH: Final = (224, 88)
# from, to, and the state of each, so that their edge is of that kind
_EDGES: Final = (
    ("Not yet", ("queued", "queued"), {}),
    ("Taken", ("success", "success"), {}),
    ("Handed over", ("success", "running"), {}),
    ("Not taken", ("success", "skipped"), {"kind": "condition", "label": "over limit"}),
    ("On failure", ("failed", "queued"), {"kind": "failure", "label": "on failure"}),
)


class SampleForm(forms.Form):
    """Fields as pages have them: filled in, chosen, wrong, ticked."""

    name = forms.CharField(widget=forms.TextInput(attrs={"class": "input"}))
    agent = forms.ChoiceField(
        choices=[("can:python", "Anyone who can: python"), ("system", "System")],
        widget=forms.Select(attrs={"class": "input"}),
    )
    deadline = forms.FloatField(
        label="Deadline in hours",
        help_text="How long somebody has to decide.",
        widget=forms.TextInput(attrs={"class": "input"}),
        error_messages={"invalid": "Write a number, such as 4."},
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"class": "input", "rows": 2}))
    checkpoint = forms.BooleanField(label="Record a checkpoint", required=False)


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Each part once in light and once in dark."""
    if not settings.DEBUG:
        raise Http404("The style page is there in debug mode alone.")
    return render(request, "style/page.html", samples())


def samples() -> dict[str, Any]:
    """All that the page shows; nothing of it is asked of the database."""
    return {
        "themes": [_theme(name) for name in THEMES],
        "grounds": GROUNDS,
        "states": [(state, WORDS[state]) for state in STATES],
        "type": TYPE,
        "badges": BADGES,
        "progress": [state for state in LEGEND for _ in range(2)],
        "legend": [{"state": state, "word": WORDS[state], "count": 2} for state in LEGEND],
        "marks": ("success", "success", "failed", "skipped", "running"),
        "conflict": ConflictError("Bob decided a minute ago: approved."),
        "values": entries({"region": "EMEA", "limit": 5000}),
        "code": as_text({"action": "approval_gate", "quorum": 1, "conditions": ["tasks.cost.output > 5000"]}),
        "issues": [ISSUE],
    }


def _theme(name: str) -> dict[str, Any]:
    given = {f"{name}-{field}": value for field, value in GIVEN.items()}
    return {
        "name": name,
        "form": SampleForm(given, prefix=name),
        "tasks": [task(name, state) for state in WORDS],
        "nodes": {"nodes": nodes(), "edges": [], "selected": "Selected"},
        "nodes_id": f"{name}-nodes-data",
        "edges": edges(),
        "edges_id": f"{name}-edges-data",
    }


def task(theme: str, state: State) -> dict[str, str]:
    """A row of a run's list view."""
    word = WORDS[state]
    return {
        "key": f"{theme}-{state}",
        "name": f"Load {word.lower()}",
        "state": state,
        "line": word,
        "figure": "1:04",
    }


def nodes() -> list[dict[str, Any]]:
    """A node for each state and each thing a node can say."""
    wide, high = _PITCH
    return [
        _node(name, name, wide * (place % _COLUMNS), high * (place // _COLUMNS), kind, icon, state) | more
        for place, (name, kind, icon, state, more) in enumerate(_NODES)
    ]


def edges() -> dict[str, Any]:
    """Two nodes for each kind of edge."""
    drawn: dict[str, Any] = {"nodes": [], "edges": []}
    for place, (name, (before, after), more) in enumerate(_EDGES):
        ends = (f"{name} from", f"{name} to")
        drawn["nodes"] += [
            _node(ends[0], name, 0, 94 * place, "work", "i-bot", before),
            _node(ends[1], WORDS[after], 340, 94 * place, "work", "i-bot", after),
        ]
        drawn["edges"].append({"from": ends[0], "to": ends[1], **more})
    return drawn


def _node(key: str, name: str, x: int, y: int, kind: str, icon: str, state: str) -> dict[str, Any]:
    node: dict[str, Any] = {
        "key": key,
        "name": name,
        "kind": kind,
        "icon": icon,
        "position": {"x": x, "y": y},
    }
    return node | ({"state": state} if state else {})
