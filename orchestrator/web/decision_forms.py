"""The inputs of a decision: the fields of its form, and the facts that may be changed as it is approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict

from orchestrator.definition.decision_form import fact_field, fields_of
from orchestrator.definition.issues import Issue
from orchestrator.engine.decisions import Beside
from orchestrator.exceptions import InvalidError
from orchestrator.models import Approval
from orchestrator.web.forms import DecisionForm, ParametersForm

# What stands in an input of one of these must be there: a number that is taken away is no number.
_NEVER_EMPTY: Final = ("number", "list", "map")
_TOOK_IN: Final = "facts"  # sent by a page that shows the facts as inputs


class FactsForm(ParametersForm):
    """One input for each fact that may be changed, holding what it is. Names are places, for a fact may be called anything."""

    def __init__(
        self, data: Mapping[str, Any], names: Sequence[str], posted: QueryDict | None = None
    ) -> None:
        self.facts = [fact_field(name, data[name]) for name in names]
        placed = [replace(field, name=str(place)) for place, field in enumerate(self.facts)]
        super().__init__(placed, posted, prefix="fact", auto_id="fact-%s")
        for field in placed:
            self.fields[field.name].required = field.type in _NEVER_EMPTY

    def edits(self) -> dict[str, Any]:
        """What differs from what was shown. A browser ends lines in its own way, which changes nothing."""
        found = {}
        for place, field in enumerate(self.facts):
            value = self.cleaned_data[str(place)]
            if isinstance(value, str):
                value = _lines(value)
            before = field.default
            if value != (_lines(before) if isinstance(before, str) else before) or _is_new_kind(
                before, value
            ):
                found[field.name] = value
        return found

    def take(self, issues: Iterable[Issue]) -> None:
        names = {f"edits.{field.name}": str(place) for place, field in enumerate(self.facts)}
        for issue in issues:
            self.add_error(names.get(issue.path), issue.message)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_new_kind(before: Any, after: Any) -> bool:
    """Python takes 1 for true."""
    return isinstance(before, bool) != isinstance(after, bool)


@dataclass(frozen=True, slots=True)
class Parts:
    """The forms of one request: those of the decision that was sent are bound."""

    decision: DecisionForm
    approve: ParametersForm | None
    reject: ParametersForm | None
    facts: FactsForm | None

    @property
    def sent(self) -> list[ParametersForm]:
        """Those of the decision that was sent."""
        both = (self.approve, self.facts, self.reject)
        return [form for form in both if form is not None and form.is_bound]

    def are_valid(self) -> bool:
        return all([self.decision.is_valid(), *(form.is_valid() for form in self.sent)])

    def beside(self, seal: str) -> Beside:
        fields = next((form.values() for form in self.sent if not isinstance(form, FactsForm)), {})
        edits = self.facts.edits() if self.facts in self.sent and self.facts is not None else {}
        return Beside(fields, edits, seal)

    def take(self, error: InvalidError) -> bool:
        """Show what the engine refused beside what it is about; whether there was a place for all of it."""
        placed = list(error.issues)
        for issue in placed:
            of = issue.path.partition(".")[0]
            if of == "comment":
                self.decision.add_error("comment", issue.message)
            elif of == "edits" and self.facts is not None and self.facts.is_bound:
                self.facts.take([issue])
            elif form := next((one for one in self.sent if not isinstance(one, FactsForm)), None):
                form.take([replace(issue, path=issue.path.removeprefix("fields."))])
            else:
                return False
        return bool(placed)

    @property
    def context(self) -> dict[str, Any]:
        names = {"approve_form": self.approve, "reject_form": self.reject, "facts_form": self.facts}
        return {"decision_form": self.decision, **names}


def parts_of(approval: Approval, posted: QueryDict | None = None) -> Parts:
    """The forms for this request; `posted` fills those of the decision that it names."""
    chosen = posted.get("decision") if posted is not None else None
    decision = DecisionForm(posted, auto_id="decision-%s")
    sent = {name: posted if chosen == name else None for name in ("approve", "reject")}
    facts = sent["approve"] if posted is not None and _TOOK_IN in posted else None
    return Parts(
        decision,
        _form(approval, "approve", sent["approve"]),
        _form(approval, "reject", sent["reject"]),
        FactsForm(approval.data, approval.editable, facts) if approval.editable else None,
    )


def _form(approval: Approval, decision: Any, posted: QueryDict | None) -> ParametersForm | None:
    fields = fields_of(approval.form, decision)
    return ParametersForm(fields, posted, prefix=decision, auto_id="in-%s") if fields else None
