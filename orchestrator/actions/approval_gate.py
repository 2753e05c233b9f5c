"""The approval_gate action: a question to people. No worker ever executes it; the engine opens and settles it."""

from __future__ import annotations

from typing import Any

from orchestrator.actions.base import Action, Example
from orchestrator.definition.decision_form import FORM, editable_faults, fields_of, form_faults
from orchestrator.definition.fields import Field, ParameterSchema
from orchestrator.definition.issues import Issue, at, warning
from orchestrator.planning.business import faults_of as business_faults
from orchestrator.planning.decidable import (
    LEVELS,
    ON_TIMEOUT,
    ORDERS,
    approver_faults,
    dead_end,
    quorum_faults,
)
from orchestrator.planning.decidable import faults_of as level_faults
from orchestrator.planning.ladder import RUNGS
from orchestrator.planning.ladder import faults_of as escalation_faults

DAY = 86_400


def _check_approvers(value: dict[str, Any], path: str) -> list[Issue]:
    if value.get("levels") is not None:
        return []
    return approver_faults(value.get("approvers"), at(path, "approvers"))


def _check_quorum(value: dict[str, Any], path: str) -> list[Issue]:
    if value.get("levels") is not None:
        return []
    return quorum_faults(value.get("quorum"), value.get("approvers"), at(path, "quorum"))


def _check_escalation(value: dict[str, Any], path: str) -> list[Issue]:
    return escalation_faults(value.get("escalation"), at(path, "escalation"))


def _check_business_hours(value: dict[str, Any], path: str) -> list[Issue]:
    return business_faults(value.get("business_hours"), at(path, "business_hours"))


def _check_levels(value: dict[str, Any], path: str) -> list[Issue]:
    return level_faults(value, path) or dead_end(value, path)


def _check_form(value: dict[str, Any], path: str) -> list[Issue]:
    return form_faults(value.get("form"), at(path, "form"))


def _check_editable(value: dict[str, Any], path: str) -> list[Issue]:
    return editable_faults(value.get("editable"), value.get("data"), at(path, "editable"))


def _check_unanswered(value: dict[str, Any], path: str) -> list[Issue]:
    """Approved by nobody, a form keeps its defaults, and a task behind it may count on more."""
    form = value.get("form")
    if value.get("on_timeout") != "approve" or not isinstance(form, list) or form_faults(form, path):
        return []
    return [
        warning(
            at(path, "on_timeout"),
            "left_empty",
            f"If nobody decides it is approved, and '{field.name}', which is required, is null: give it a default.",
        )
        for field in fields_of(form, "approve")
        if field.required and field.default is None
    ]


class ApprovalGate(Action):
    name = "approval_gate"
    label = "Approval"
    icon = "i-stamp"
    kind = "person"
    summary = "Asks people to approve or reject before the run goes on."
    notes = (
        "One of the approvers decides, or as many as the quorum says, with a comment. An approval completes the task, a rejection fails it.\n"
        "Whoever started the run may not decide it unless allow_requester is on, nor whoever published the workflow unless "
        "allow_author is on; whoever started it may recall it. With levels others are asked once the first have approved."
    )
    produces = (
        "decision (approved, rejected or expired), by (names of those who decided), comment and, "
        "by delegation, for (in whose place); of a gate with levels also levels, a list with level, name, decision and by; "
        "fields, what was filled in, where there is a form; data as it was changed, where it is editable."
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
                "editable",
                "any",
                "Which facts of data may be changed on approving: a list of their names, or true for all. "
                "Whoever has approved before that is asked again.",
                widget="names",
                example=["amount"],
            ),
            Field(
                "form",
                "list",
                "What is filled in with the decision: fields, each with a name, a type (string, text, number, integer, "
                "boolean, date or enum), and label, description, required, default, enum, min, max, max_length, and on: "
                "approve, reject or both.",
                example=[{"name": "cost_centre", "label": "Cost centre", "required": True}],
                parts=FORM,
            ),
            Field(
                "quorum",
                "any",
                "How many must approve: any (one is enough), all of those named (for a group one of its members), a number "
                "of people such as 2, a share of those named such as 60%, or how many of each, such as "
                "2 of group:finance, 1 of ann.",
                default="any",
                widget="loose",
                example="all",
            ),
            Field(
                "levels",
                "list",
                "Levels instead of approvers: maps, each with approvers, a name, and quorum, veto, escalation, "
                "timeout_seconds and on_timeout of its own; what one does not say is as the gate has it. One person "
                "decides on one level.",
                example=[
                    {"name": "Team lead", "approvers": ["alice"]},
                    {"name": "Finance", "approvers": ["group:finance"], "quorum": 2},
                ],
                parts=LEVELS,
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
                parts=RUNGS,
                advanced=True,
            ),
            Field(
                "timeout_seconds",
                "number",
                "How long to wait for a decision, of each level for itself; the task's own timeout if not given.",
                minimum=1,
                maximum=31 * DAY,
            ),
            Field(
                "on_timeout",
                "string",
                "What happens when nobody decided in time. escalate asks the people of the next rung with to, each time for "
                "as long again, then the next level; after the last it is as reject.",
                default="reject",
                enum=ON_TIMEOUT,
            ),
            Field(
                "business_hours",
                "any",
                "Whether deadlines and rungs count in business hours: true for those of this installation, or days, hours and "
                "a time zone, in a line or as a map with days, from, to and timezone.",
                widget="loose",
                example="mon-fri 09:00-17:00 Europe/Berlin",
                advanced=True,
            ),
            Field(
                "on_recall",
                "string",
                "What happens when the person who started the run takes the request back: the task fails with the code "
                "recalled, or the whole run is cancelled.",
                default="fail",
                enum=("fail", "cancel"),
                templated=False,
                advanced=True,
            ),
            Field(
                "allow_requester",
                "boolean",
                "Whether the person who started the run may decide.",
                default=False,
                advanced=True,
            ),
            Field(
                "allow_author",
                "boolean",
                "Whether the person who published this version of the workflow may decide.",
                default=False,
                advanced=True,
            ),
            Field(
                "send_back_to",
                "list",
                "Keys of earlier tasks that it may be sent back to: that task and everything behind it is done again, and then "
                "it is asked anew.",
                items="string",
                templated=False,
                example=["draft"],
                advanced=True,
            ),
            Field(
                "order",
                "string",
                "Whether a level is asked once the one before has approved, or all are asked together.",
                default="in_order",
                enum=ORDERS,
                advanced=True,
            ),
        ),
        rules=(
            _check_approvers,
            _check_quorum,
            _check_escalation,
            _check_levels,
            _check_business_hours,
            _check_form,
            _check_editable,
            _check_unanswered,
        ),
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
            "Ask two levels, one after the other",
            {
                "levels": [
                    {"name": "Team lead", "approvers": ["alice", "bob"]},
                    {"name": "Finance", "approvers": ["group:finance"], "quorum": 2, "on_timeout": "fail"},
                ],
                "title": "Budget of {{ params.department }}",
                "timeout_seconds": 3 * DAY,
            },
        ),
        Example(
            "Ask one person",
            {"approvers": "alice", "title": "Publish the report", "timeout_seconds": DAY},
        ),
    )
