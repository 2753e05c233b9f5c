"""What comes with a decision beside yes or no: checked against the request as it stands, before the turn decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.definition.decision_form import (
    edit_faults,
    fields_of,
    filled_in,
    value_faults,
)
from orchestrator.definition.issues import Issue
from orchestrator.engine.limits import check_json
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Approval

GIVEN_BYTES: Final = 256 * 1024  # of the fields of one decision, and of its edits


@dataclass(frozen=True, slots=True)
class Beside:
    """`fields` of the form by name, `edits` of facts by name, and the `seal` of what the person was shown ('': not said)."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    edits: Mapping[str, Any] = field(default_factory=dict)
    seal: str = ""


NOTHING: Final = Beside()


def check_beside(approval: Approval, decision: str, given: Beside) -> Beside:
    """The same, completed with defaults. Raises InvalidError with every problem located, or ConflictError."""
    refuse_changed(approval, given.seal)
    check_json(dict(given.fields), "fields", GIVEN_BYTES)
    check_json(dict(given.edits), "edits", GIVEN_BYTES)
    fields = fields_of(approval.form, "approve" if decision == "approve" else "reject")
    issues = [*value_faults(fields, given.fields, "fields"), *_edit_faults(approval, decision, given.edits)]
    if issues:
        raise InvalidError(issues[0].message, issues, code="invalid_decision")
    return Beside(filled_in(fields, given.fields), given.edits, approval.content_hash)


def _edit_faults(approval: Approval, decision: str, edits: Mapping[str, Any]) -> list[Issue]:
    if edits and decision != "approve":
        text = "Only an approval may change what is decided on; leave the edits out."
        return [Issue("edits", "not_editable", text)]
    return edit_faults({"data": approval.data, "editable": approval.editable}, edits, "edits")


def refuse_changed(approval: Approval, seal: str) -> None:
    """Raises ConflictError when the person was shown something else than what is asked now."""
    if seal and seal != approval.content_hash:
        text = "What is asked has changed since it was shown to you. Look at it again, then decide."
        raise ConflictError(text, code="content_changed")


def check_override(comment: str) -> None:
    """Raises InvalidError unless it says why."""
    if not comment.strip():
        text = "Say why you decide over those who are asked; they are told."
        raise InvalidError(text, [Issue("comment", "reason_required", text)], code="reason_required")
