"""What a person may do with a run, a task or an agent in the state it is in: the buttons of a page.

The engine decides when one is pressed; a page only leaves out what is certain to be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from orchestrator.engine.approvals import right_to_decide, voted_before
from orchestrator.models import Agent, Approval, Run
from orchestrator.permissions import OVERRIDE, Person, can
from orchestrator.planning.delegation import Right
from orchestrator.planning.machine import RUN_ENDED, RunStatus
from orchestrator.reads.fixes import offered
from orchestrator.reads.outline import outline_of
from orchestrator.reads.panel import Panel
from orchestrator.web.decision_forms import parts_of
from orchestrator.web.forms import CompleteForm, ReasonForm, RetryForm, SendBackForm


@dataclass(frozen=True, slots=True)
class Verb:
    """A button. `question` is asked before it is carried out; `danger` marks what cannot be undone."""

    name: str
    label: str
    icon: str = ""
    question: str = ""
    danger: bool = False


_IN_PANEL: Final = frozenset({"retry", "skip", "decide"})  # they stand in the panel anyhow
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
        "fixes": offered(request.user, run, [[fix for fix in panel.fixes if fix.action not in _IN_PANEL]])[0],
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
    voted = is_open and approval.votes.filter(person=request.user.pk, voided_at=None).exists()
    may_decide = right.may and not voted
    overrides = request.user.has_perm(OVERRIDE) and not voted_before(approval, request.user)
    return {
        "may_decide": may_decide,
        "may_override": is_open and not may_decide and overrides,
        "may_recall": is_open and approval.run.started_by_id == request.user.pk,
        "has_voted": voted,
        "own_request": right.word == "requester",
        "own_version": right.word == "author",
        "in_place_of": right.of.shown if right.of else "",
        **parts_of(approval).context,
        "send_back_form": SendBackForm(auto_id="back-%s", tasks=earlier_tasks(approval)),
    }


def earlier_tasks(approval: Approval) -> list[tuple[str, str]]:
    """Keys and names of the tasks that it may be sent back to."""
    if not approval.send_back_to:
        return []
    shape = outline_of(approval.run.version_id)
    return [(key, shape.name_of(key)) for key in approval.send_back_to]
