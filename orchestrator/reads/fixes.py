"""What mends what holds a run up: for people as a button or a link, on the command line as what to type, for programs as a
request. Offered is only what somebody may do; whether it is still right the engine decides when it is done."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import quote

from django.contrib.auth.models import User
from django.urls import reverse

from orchestrator.engine.approvals import OVERRIDE, right_to_decide
from orchestrator.models import Approval, Question, Run, TaskRun
from orchestrator.permissions import Person, approvals_waiting, can, own_workflows, runs_for
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.reads.agent_waits import AgentWait, Candidate

Needs = Literal["operate", "design", "admin", "agents", "run", "decide", "self", "shell"]

_OPEN_TO_PEOPLE: Final = frozenset({WaitReason.PERSON, WaitReason.RETRY, WaitReason.AGENT})
_STUCK: Final = frozenset({"nobody", "too_large", "inactive", "offline"})
_MOST_LINKS: Final = 3


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to go on. `action` is its name for programs and stays the same; `command` is what to type. On a page it is a
    link (`GET`) or a button (`POST`) to `href`, over REST a request to `api` where there is one. `subject` is the number of the
    run, request or person that `needs` is about. With `needs` "shell" there is only the command."""

    action: str
    text: str
    command: str
    needs: Needs
    method: Literal["GET", "POST", ""] = "GET"
    href: str = ""
    api: str = ""
    subject: int = 0

    def as_dict(self) -> dict[str, str]:
        return {
            "action": self.action,
            "text": self.text,
            "command": self.command,
            "method": self.method,
            "href": self.api or self.href,
        }


def verbs_for(run_status: str, status: str, reason: str) -> tuple[str, ...]:
    """What a person may tell a task in this state: the engine decides in the end, the page only offers."""
    if status == TaskStatus.WAITING and reason in _OPEN_TO_PEOPLE and run_status not in RUN_ENDED:
        return ("retry", "skip", "complete", "fail")
    may_reopen = run_status not in {RunStatus.COMPLETED, RunStatus.CANCELLED}
    return ("retry",) if status == TaskStatus.FAILED and may_reopen else ()


# Of a run


def resume(run: Run) -> Fix:
    return Fix(
        "resume",
        "Resume",
        f"baton resume {run.pk}",
        "operate",
        "POST",
        reverse("run-action", args=[run.pk, "resume"]),
        reverse("api:resume", args=[run.pk]),
    )


def start_anew(run: Run) -> Fix:
    key = run.workflow.key
    return Fix(
        "start", "Start it anew", f"baton start {key}", "operate", href=reverse("workflow-start", args=[key])
    )


def edit_workflow(run: Run) -> Fix:
    key = run.workflow.key
    href = reverse("workflow-edit", args=[key])
    return Fix("edit_workflow", "Edit the workflow", f"baton export {key}", "design", href=href)


WORKERS: Final = Fix("start_workers", "Start a worker", "baton workers", "shell", "")


# Of a task


def tell(row: TaskRun, verb: Literal["retry", "skip"], text: str) -> Fix:
    """Retry or skip it."""
    item = "" if row.index < 0 else f"?item={row.index}"
    index = "" if row.index < 0 else f" --index {row.index}"
    return Fix(
        verb,
        text,
        f"baton task {row.run_id} {row.key} {verb}{index}",
        "operate",
        "POST",
        reverse("task-action", args=[row.run_id, row.key, verb]) + item,
        reverse(f"api:task-{verb}", args=[row.run_id, row.key]) + item,
    )


def told(run: Run, row: TaskRun, *, now: str = "Try it again") -> list[Fix]:
    """Retry and skip, as far as the state of the task allows them."""
    verbs = verbs_for(run.status, row.status, row.reason)
    both: list[tuple[Literal["retry", "skip"], str]] = [("retry", now), ("skip", "Skip it")]
    return [tell(row, verb, text) for verb, text in both if verb in verbs]


def decide(row: TaskRun, approval: int) -> Fix:
    command = f"baton approve {row.run_id} --task {row.key}"
    return _on_request(Fix("decide", "Decide", command, "decide", subject=approval), approval)


def answer(question: Question) -> Fix:
    request, of = question.approval_id, question.asked_of_id
    command = f"baton answer {request} TEXT"
    return _on_request(Fix("answer", "Answer the question", command, "self", subject=of), request)


def _on_request(fix: Fix, approval: int) -> Fix:
    """Done on the page of this request."""
    href = f"{reverse('approval-detail', args=[approval])}?from=run"
    return replace(fix, href=href, api=reverse("api:approval", args=[approval]))


def open_run(child: int) -> Fix:
    return Fix(
        "open_run",
        f"Open run #{child}",
        f"baton debug {child}",
        "run",
        href=reverse("run-detail", args=[child]),
        api=reverse("api:why", args=[child]),
        subject=child,
    )


# Of agents


def of_agent_wait(run: Run, row: TaskRun, wait: AgentWait) -> list[Fix]:
    """What can be done about it; to do without the task comes last."""
    some = wait.about[:_MOST_LINKS]
    match wait.kind:
        case "nobody":
            found = [_register(row.agent_id)]
        case "too_large":
            found = [*(_edit_agent(one) for one in some), _register(row.agent_id), edit_workflow(run)]
        case "inactive":
            found = [_activate(one) for one in some]
        case "offline":
            found = [open_agent(one.key) for one in some]
        case "full":
            found = [_edit_agent(one, f" --capacity {one.capacity + 1}") for one in some]
        case "person":
            found = [_my_task(row, one) for one in some if one.user]
        case _:
            found = [open_agent(one.key) for one in some]
    stuck = wait.kind in _STUCK and "skip" in verbs_for(run.status, row.status, row.reason)
    return [*found, tell(row, "skip", "Skip it")] if stuck else found


def open_agent(key: str) -> Fix:
    return Fix(
        "open_agent",
        f"Open {key}",
        "baton agents list",
        "agents",
        href=reverse("agent-detail", args=[key]),
        api=reverse("api:agent", args=[key]),
    )


def _register(address: str) -> Fix:
    kind, _, word = address.partition(":")
    option = {"pool": " --pool ", "can": " --capability "}.get(kind, "") if word else ""
    name = shlex.quote(word or address)
    command = f"baton agents register {name}{option}{name if option else ''}"
    href = f"{reverse('agent-new')}?for={quote(address, safe='')}"
    return Fix("register_agent", "Register an agent", command, "admin", href=href)


def _activate(one: Candidate) -> Fix:
    return Fix(
        "activate_agent",
        f"Give {one.key} work again",
        f"baton agents activate {one.key}",
        "admin",
        "POST",
        reverse("agent-action", args=[one.key, "activate"]),
        reverse("api:agent-activate", args=[one.key]),
    )


def _edit_agent(one: Candidate, option: str = " --help") -> Fix:
    href = reverse("agent-edit", args=[one.key])
    return Fix("edit_agent", f"Edit {one.key}", f"baton agents edit {one.key}{option}", "admin", href=href)


def _my_task(row: TaskRun, one: Candidate) -> Fix:
    href = reverse("my-task", args=[row.pk])
    return Fix(
        "do_it", "Do it", f"baton task {row.run_id} {row.key}", "self", href=href, subject=one.user or 0
    )


# For whom


@dataclass(frozen=True, slots=True)
class _Rights:
    """What somebody may do about a run, asked once for all of its answers."""

    user: Person
    run: Run
    verbs: frozenset[str]
    sees_all: bool
    runs: frozenset[int]
    approvals: frozenset[int]

    def allow(self, fix: Fix) -> bool:
        match fix.needs:
            case "agents":
                return self.sees_all
            case "run":
                return self.sees_all or fix.subject in self.runs
            case "decide":
                return fix.subject in self.approvals
            case "self":
                return self.user.pk == fix.subject
            case "shell":
                return False
        return fix.needs in self.verbs


def offered(user: Person, run: Run, fixes: Iterable[Sequence[Fix]]) -> list[tuple[Fix, ...]]:
    """Of each of these lists what this person may do."""
    lists = list(fixes)
    rights = _rights(user, run, [fix for one in lists for fix in one])
    return [tuple(fix for fix in one if rights.allow(fix)) for one in lists]


def _rights(user: Person, run: Run, fixes: Sequence[Fix]) -> _Rights:
    children = {fix.subject for fix in fixes if fix.needs == "run"}
    requests = {fix.subject for fix in fixes if fix.needs == "decide"}
    sees_all = own_workflows(user) is None
    seen = (
        ()
        if sees_all or not children
        else runs_for(user).filter(pk__in=children).values_list("pk", flat=True)
    )
    return _Rights(
        user,
        run,
        frozenset(verb for verb in ("operate", "design", "admin") if can(user, verb, _object(verb, run))),
        sees_all,
        frozenset(seen),
        frozenset(_decided_by(user, requests)) if requests else frozenset(),
    )


def _object(verb: str, run: Run) -> Run | None:
    return None if verb == "admin" else run


def _decided_by(user: Person, requests: Collection[int]) -> Iterable[int]:
    """Those of these requests on which this person decides now."""
    if not isinstance(user, User):
        return ()
    if user.has_perm(OVERRIDE):
        return requests
    asked = approvals_waiting(user).filter(pk__in=requests).select_related("run")
    return [one.pk for one in asked if _may(one, user)]


def _may(approval: Approval, user: User) -> bool:
    return right_to_decide(approval, user).may
