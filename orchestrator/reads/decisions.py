"""What came with a decision, in words: what was filled in, what was changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.definition.decision_form import fields_of
from orchestrator.models import Approval, Vote
from orchestrator.reads.shown import Entry, entries


def filled_in(approval: Approval, decision: str, values: Mapping[str, Any]) -> list[Entry]:
    """The fields that were given something, by their labels, in the order of the form. The decision is as it is stored."""
    asked = fields_of(approval.form, "approve" if decision == "approved" else "reject")
    given = {field.title: values.get(field.name) for field in asked}
    return entries({label: value for label, value in given.items() if value is not None})


def vote_filled_in(vote: Vote, approval: Approval) -> list[Entry]:
    return filled_in(approval, vote.decision, vote.fields)


def edit_entries(edits: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The name of each fact, what it was and what it is."""
    found = []
    for edit in edits:
        before, after = entries({"before": edit["before"], "after": edit["after"]})
        found.append((str(edit["name"]), before.text, after.text))
    return found


def edits_said(edits: Iterable[Mapping[str, Any]]) -> str:
    """The same in a line: "amount: 1200 → 900"."""
    return ", ".join(f"{name}: {before} → {after}" for name, before, after in edit_entries(edits))
