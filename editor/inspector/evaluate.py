"""What an expression or a text with `{{ }}` would give, with the values of the last run. Nothing is carried out.

The same compiler, the same rules about names and the same caps as when it runs. What is not known before a run, secrets
above all, is said to be so and is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils import timezone

from editor.inspector.controls import Step
from editor.inspector.known import Known, cut
from editor.steps import as_map
from orchestrator.definition import DefinitionError, strict_json
from orchestrator.definition.expressions import Expression, ExpressionError, Reference, compile_expression
from orchestrator.definition.fields import bare_expression
from orchestrator.definition.rules.expressions import SHOWN_ACTIONS, Scope, reference_issues
from orchestrator.definition.templates import compile_template, places
from orchestrator.reads.past import past_values

Kind = Literal["expression", "template", "json"]
KINDS: Final = ("expression", "template", "json")
LONGEST_TEXT: Final = 64 * 1024
_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """`value` is JSON, cut. Where there is none `error` says what is wrong, at `position` in the text, `wrong` and
    `hint` the name that stands there and the one that was meant; or `why` it is not known before a run."""

    value: str | None = None
    error: str = ""
    position: int | None = None
    wrong: str = ""
    hint: str = ""
    why: str = ""
    run: int | None = None

    def as_json(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) for name in self.__slots__}
        return {"ok": not self.error} | {name: one for name, one in facts.items() if one not in (None, "")}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`references` with the place in the text where each begins; None where it is not known."""

    references: Sequence[tuple[Reference, int | None]]
    value: Callable[[Mapping[str, Any]], Any]


class _UnknownError(Exception):
    """It has no value before a run, for this reason."""


def evaluate(known: Known, text: str, kind: Kind, path: Sequence[Step]) -> Found:
    """`path` is the field of the task in which the text stands: it decides what may be named, and what must come out."""
    try:
        compiled = _compiled(text, kind)
        scope = _scope(known, path)
        for reference, position in compiled.references:
            for issue in reference_issues(reference, "", scope):
                return Found(
                    error=_said(issue.message), position=position, wrong=_wrong(reference), hint=issue.hint
                )
        context, run = _context(known, [one for one, _ in compiled.references])
        return _checked(compiled.value(context), path, run)
    except ExpressionError as error:
        return Found(error=error.message, position=error.position)
    except DefinitionError as error:
        return Found(error=error.issues[0].message)
    except _UnknownError as unknown:
        return Found(why=str(unknown))


def _compiled(text: str, kind: Kind) -> _Compiled:
    if kind == "expression":
        source = bare_expression(text)
        return _of_expression(compile_expression(source), text.find(source))
    if kind == "json":
        template = compile_template(strict_json.loads(text, max_bytes=LONGEST_TEXT), "value")
        return _Compiled([(one, None) for one in template.references], template.resolve)
    for start, stop in places(text):
        _compile_at(text, start + 2, stop - 2)
    template = compile_template(text)
    return _Compiled([(one, one.position) for one in template.references], template.resolve)


def _of_expression(expression: Expression, offset: int) -> _Compiled:
    return _Compiled([(one, one.position + offset) for one in expression.references], expression.evaluate)


def _compile_at(text: str, start: int, stop: int) -> None:
    """Only to have the error with its place."""
    try:
        compile_expression(text[start:stop])
    except ExpressionError as error:
        raise error.moved(start) from None


def _scope(known: Known, path: Sequence[Step]) -> Scope:
    """As the rules have it: see check_expressions."""
    field = path[0] if path else ""
    undoing = field == "compensation"
    of = as_map(known.task.get("compensation")) if undoing else known.task
    in_parameters = "parameters" in path[:2]
    return Scope(
        known.draft,
        known.key,
        secrets=in_parameters and of.get("action") not in SHOWN_ACTIONS,
        items=known.looped and field != "for_each",
        own_result=undoing,
    )


def _context(known: Known, references: Iterable[Reference]) -> tuple[dict[str, Any], int | None]:
    """What the expression may look at, and the run it is from. Raises _UnknownError for what no run has left behind."""
    listed = list(references)
    keys = {one.path[0] for one in listed if one.root == "tasks" and one.path}
    past = past_values(known.runs, known.workflow.pk, keys)
    params = known.params(past)
    for reference in listed:
        _refuse_unknown(reference, known, past.tasks, params, bool(past.run))
    context = {
        "params": params,
        "tasks": dict(past.tasks),
        "run": past.run,
        "workflow": known.workflow_facts(),
        "now": timezone.now().isoformat(),
    }
    if any(one.root in ("item", "index") for one in listed):
        item = known.item()
        if not item:
            raise _UnknownError("Which items there are is known once it has run.")
        context |= {"item": item[0], "index": 0}
    return context, max(past.runs.values(), default=None)


def _refuse_unknown(
    reference: Reference, known: Known, tasks: Mapping[str, Any], params: Mapping[str, Any], has_run: bool
) -> None:
    name = reference.path[0] if reference.path else ""
    if reference.root == "secrets" or (reference.root == "params" and name in known.draft.secret_parameters):
        raise _UnknownError("Holds a secret, which is filled in only while it runs.")
    if reference.root == "tasks" and name not in tasks:
        called = known.draft.tasks[name].get("name") or name
        raise _UnknownError(f"Known once {called} has run.")
    if reference.root == "params" and name and name not in params and not reference.guarded:
        raise _UnknownError(f"{name} has no default; it is known once it was given to a run.")
    if reference.root == "run" and not has_run:
        raise _UnknownError("Known once the workflow has run.")


def _checked(value: Any, path: Sequence[Step], run: int | None) -> Found:
    """Conditions give true or false, and for_each a list."""
    field = path[0] if path else ""
    if field == "conditions" and not isinstance(value, bool):
        return Found(error=f"A condition must give true or false; this gives {cut(value, 60)}.")
    if field == "for_each" and not isinstance(value, list):
        return Found(error=f"This must give a list; it gives {cut(value, 60)}.")
    return Found(value=cut(value, _SHOWN), run=run)


def _wrong(reference: Reference) -> str:
    return reference.path[0] if reference.path else reference.root


def _said(message: str) -> str:
    """Without the column, which the page shows by marking the place."""
    return message.partition(": ")[2] if message.startswith("At column ") else message
