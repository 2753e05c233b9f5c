"""The approval_gate action: a question to people. No worker ever executes it; the engine opens and settles it."""

from __future__ import annotations

from typing import Any

from orchestrator.actions.base import Action, Example
from orchestrator.definition.fields import Field, ParameterSchema, holds_template
from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.normal import approver_names
from orchestrator.planning.ladder import faults_of as escalation_faults
from orchestrator.planning.quorum import fault_of as quorum_fault

DAY = 86_400


def _check_approvers(value: dict[str, Any], path: str) -> list[Issue]:
    approvers = value.get("approvers")
    if holds_template(approvers):
        return []
    where = at(path, "approvers")
    if not isinstance(approvers, str | list | None):
        return [
            Issue(where, "wrong_type", f"approvers is a name or a list of names; it is {show(approvers)}.")
        ]
    if isinstance(approvers, list):
        wrong = [index for index, name in enumerate(approvers) if not isinstance(name, str)]
        if wrong:
            return [Issue(at(where, index), "wrong_type", "An approver is a name.") for index in wrong]
    names = approver_names(approvers)
    if not names:
        text = "Nobody can decide this approval; name at least one approver: a user, or group:name."
        return [Issue(where, "no_approver", text)]
    return [
        Issue(where, "no_approver", f"{show(name)} names no group; write group:name.")
        for name in names
        if name == "group:"
    ]


def _check_quorum(value: dict[str, Any], path: str) -> list[Issue]:
    quorum, approvers = value.get("quorum"), value.get("approvers")
    if holds_template(quorum) or holds_template(approvers):
        return []
    names = approver_names(approvers)
    if any(holds_template(name) for name in names):
        names = ["group:whoever"]  # what a parameter gives may be several
    fault = quorum_fault(quorum, names)
    return [Issue(at(path, "quorum"), "no_quorum", fault)] if fault else []


def _check_escalation(value: dict[str, Any], path: str) -> list[Issue]:
    return escalation_faults(value.get("escalation"), at(path, "escalation"))


class ApprovalGate(Action):
    name = "approval_gate"
    label = "Approval"
    icon = "i-stamp"
    kind = "person"
    summary = "Asks people to approve or reject before the run goes on."
    notes = (
        "One of the approvers decides, or as many as the quorum says, with a comment. An approval completes the task, a rejection fails it.\n"
        "Whoever started the run may not decide it unless allow_requester is on."
    )
    produces = (
        "decision (approved, rejected or expired), by (names of those who decided), comment and, "
        "by delegation, for (in whose place)."
    )
    parameters = ParameterSchema(
        fields=(
            Field(
                "approvers",
                "any",
                "Who may decide: names of users or group:name, as a list or separated by commas.",
                widget="people",
                example=["alice", "group:finance"],
            ),
            Field(
                "title",
                "string",
                "What is asked, in a line.",
                max_length=200,
                example="Release to production",
            ),
            Field(
                "instructions",
                "string",
                "What to look at before deciding.",
                max_length=10_000,
                widget="textarea",
            ),
            Field(
                "data",
                "map",
                "Facts shown to the approver.",
                example={"amount": "{{ params.amount }}"},
            ),
            Field(
                "quorum",
                "any",
                "How many must approve: any (one is enough), all of those named (for a group one of its members), a number "
                "of people such as 2, or a share of those named such as 60%.",
                default="any",
                example="all",
            ),
            Field(
                "veto",
                "boolean",
                "Whether one rejection is enough. Without it the request is open until the quorum cannot be reached.",
                default=True,
                advanced=True,
            ),
            Field(
                "escalation",
                "list",
                "What happens while nobody decides: rungs, each with after_seconds, that remind those asked, or with to ask "
                "others, any of whom may decide from then on.",
                example=[{"after_seconds": 14_400}, {"after_seconds": DAY, "to": ["group:managers"]}],
                advanced=True,
            ),
            Field(
                "timeout_seconds",
                "number",
                "How long to wait for a decision; the task's own timeout if not given.",
                minimum=1,
                maximum=31 * DAY,
            ),
            Field(
                "on_timeout",
                "string",
                "What happens when nobody decided in time.",
                default="reject",
                enum=("reject", "approve", "fail"),
            ),
            Field(
                "allow_requester",
                "boolean",
                "Whether the person who started the run may decide.",
                default=False,
                advanced=True,
            ),
        ),
        rules=(_check_approvers, _check_quorum, _check_escalation),
    )
    examples = (
        Example(
            "Ask a group",
            {
                "approvers": ["group:finance"],
                "title": "Budget of {{ params.department }}",
                "instructions": "Compare it with last year's.",
                "data": {"amount": "{{ params.amount }}"},
                "timeout_seconds": 3 * DAY,
            },
        ),
        Example(
            "Ask one person",
            {"approvers": "alice", "title": "Publish the report", "timeout_seconds": DAY},
        ),
    )
