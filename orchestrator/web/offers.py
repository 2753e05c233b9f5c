"""What a person may do with a run, a task or an agent in the state it is in: the buttons of a page.

The engine decides when one is pressed; a page only leaves out what is certain to be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from orchestrator.engine.approvals import right_to_decide
from orchestrator.models import Agent, Approval, Run
from orchestrator.permissions import OVERRIDE, Person, can
from orchestrator.planning.delegation import Right
from orchestrator.planning.machine import RUN_ENDED, RunStatus
from orchestrator.reads.panel import Panel
from orchestrator.web.forms import CompleteForm, DecisionForm, ReasonForm, RetryForm


@dataclass(frozen=True, slots=True)
class Verb:
    """A button. `question` is asked before it is carried out; `danger` marks what cannot be undone."""

    name: str
    label: str
    icon: str = ""
    question: str = ""
    danger: bool = False


TABS: Final = ("overview", "input", "output", "log", "history")
_PAUSE = Verb("pause", "Pause", "i-pause")
_RESUME = Verb("resume", "Resume", "i-play")
_CANCEL = Verb(
    "cancel",
    "Cancel run",
    question="Cancel this run? What runs now is given up, and nothing else starts. This cannot be undone.",
    danger=True,
)

_DRAIN = Verb("drain", "Drain", "i-pause")
_ACTIVATE = Verb("activate", "Give work again", "i-play")
_REMOVE = Verb(
    "remove",
    "Remove",
    "i-trash-2",
    question="Remove this agent? Its tokens open nothing from now on, and the record of what it did is deleted. "
    "This cannot be undone.",
    danger=True,
)


def run_verbs(user: Person, run: Run) -> list[Verb]:
    if run.status in RUN_ENDED or not can(user, "operate", run):
        return []
    if run.status == RunStatus.PAUSED:
        return [_RESUME, _CANCEL]
    return [_PAUSE, _CANCEL] if run.status == RunStatus.RUNNING else [_CANCEL]


def agent_verbs(user: Person, agent: Agent, load: int) -> list[Verb]:
    """One that holds work is drained before it is removed."""
    if not can(user, "admin"):
        return []
    first = _DRAIN if agent.state == Agent.State.ACTIVE else _ACTIVATE
    return [first] if load else [first, _REMOVE]


def task_context(request: HttpRequest, run: Run, panel: Panel) -> dict[str, Any]:
    """The forms of the task panel, for those who may send them."""
    operates = can(request.user, "operate", run)
    given = panel.edited if panel.edited is not None else panel.raw_parameters
    tab = request.GET.get("tab", "")
    return {
        "tabs": TABS,
        "tab": tab if tab in TABS else TABS[0],
        "operates": operates,
        "verbs_of_task": panel.verbs if operates else (),
        "retry_form": RetryForm(initial={"parameters": given}, auto_id="retry-%s"),
        "complete_form": CompleteForm(auto_id="complete-%s"),
        "skip_form": ReasonForm(auto_id="skip-%s"),
        "fail_form": ReasonForm(auto_id="fail-%s"),
        **(decision_context(request, panel.approval) if panel.approval else {}),
    }


def decision_context(request: HttpRequest, approval: Approval) -> dict[str, Any]:
    """Whether this person decides on a request, and in whose place: `in_place_of` is who is away."""
    is_open = approval.status == Approval.Status.OPEN
    right = right_to_decide(approval, request.user) if is_open else Right("nobody")
    overrides = request.user.has_perm(OVERRIDE)
    voted = is_open and approval.votes.filter(person=request.user.pk).exists()
    return {
        "may_decide": (right.may and not voted) or (is_open and overrides),
        "has_voted": voted,
        "own_request": right.word == "requester" and not overrides,
        "in_place_of": right.of.shown if right.of and (right.may or not overrides) else "",
        "decision_form": DecisionForm(auto_id="decision-%s"),
    }
