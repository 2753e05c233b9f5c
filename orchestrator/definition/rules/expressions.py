"""Expressions: they compile, and name only what is there where they stand.

A condition or parameter may look at declared parameters and at tasks upstream, for only those are settled by then;
`item` and `index` exist under for_each alone; secrets may stand only in the parameters of actions that do not show
or store them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.expressions import Expression, ExpressionError, Reference, compile_expression
from orchestrator.definition.fields import ParameterSchema
from orchestrator.definition.issues import DefinitionError, Issue, at, show
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.definition.rules.draft import Draft, mapping, sequence
from orchestrator.definition.templates import Template, TemplateError, compile_template
from orchestrator.definition.versions import CURRENT
from orchestrator.definition.versions.python_conditions import Untranslatable, translate

# What these are given is decided on by the engine, or shown to people, and stored either way.
SHOWN_ACTIONS = (language.APPROVAL_GATE, language.CONDITION_CHECK)
_NOT_COMPILED = ("expression_syntax", "expression_unknown_function", "expression_unknown_name")
_NO_PARAMETERS = ParameterSchema(open=True)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: in which task, and what may be named there besides params, run, workflow, now and
    the tasks upstream."""

    draft: Draft
    task: str
    secrets: bool = False
    items: bool = False
    own_result: bool = False


class OlderDialect:
    """Knows what a condition means that somebody wrote in Python, as older schemas had it.

    Rewriting one may take 10 ms and there may be thousands: after `budget` of them nothing more is said.
    """

    def __init__(self, tasks: Collection[str], budget: int = 25) -> None:
        self._tasks = tasks
        self._budget = budget

    def explain(self, issue: Issue, source: str) -> Issue:
        """The finding, with the condition as it is written now if it can be said."""
        is_python = issue.code in _NOT_COMPILED or "workflow.tasks" in source
        if issue.hint or not is_python or self._budget <= 0:
            return issue
        self._budget -= 1
        try:
            present = translate(source, self._tasks).source
        except Untranslatable:
            return issue
        if present == source:
            return issue
        text = f"{issue.message} In schema {CURRENT} this is written '{present}'."
        return replace(issue, message=text, hint=f"in schema {CURRENT}: {present}")


def check_expressions(draft: Draft) -> Iterator[Issue]:
    """Every expression and template of every task."""
    older = OlderDialect(draft.tasks)
    for key, task in draft.tasks.items():
        path, looped = draft.paths[key], task.get("for_each") is not None
        yield from _conditions(task, path, Scope(draft, key, items=looped), older)
        yield from _for_each(task, path, Scope(draft, key))
        yield from _template(task.get("agent_id"), at(path, "agent_id"), Scope(draft, key, items=looped))
        yield from _parameters(task, path, Scope(draft, key, items=looped))
        yield from _compensation(task, path, Scope(draft, key, items=looped, own_result=True))
        cache_key = mapping(task.get("cache")).get("key")
        yield from _template(cache_key, at(at(path, "cache"), "key"), Scope(draft, key, items=looped))


def _conditions(task: Mapping[str, Any], path: str, scope: Scope, older: OlderDialect) -> Iterator[Issue]:
    for index, source in enumerate(sequence(task.get("conditions"))):
        if isinstance(source, str):
            for issue in _expression(source, at(at(path, "conditions"), index), scope, result=bool):
                yield older.explain(issue, source)


def _for_each(task: Mapping[str, Any], path: str, scope: Scope) -> Iterator[Issue]:
    source = task.get("for_each")
    if isinstance(source, str):
        yield from _expression(source, at(path, "for_each"), scope, result=list)


def _parameters(task: Mapping[str, Any], path: str, scope: Scope) -> Iterator[Issue]:
    """The parameters of an action: some of its fields are expressions, in all others strings are templates."""
    given = mapping(task.get("parameters"))
    if not given:
        return
    action = task.get("action")
    schema = scope.draft.actions.get(action, _NO_PARAMETERS) if isinstance(action, str) else _NO_PARAMETERS
    where = at(path, "parameters")
    for place, source in schema.expressions(given, where):
        yield from _expression(source, place, scope)
    shown = action in SHOWN_ACTIONS
    templates = {name: value for name, value in given.items() if not _is_expression(schema, name)}
    yield from _template(templates, where, _with_secrets(scope, not shown))


def _is_expression(schema: ParameterSchema, name: str) -> bool:
    field = schema.field(name)
    return field is not None and "expression" in (field.type, field.items)


def _compensation(task: Mapping[str, Any], path: str, scope: Scope) -> Iterator[Issue]:
    given = mapping(task.get("compensation"))
    if not given:
        return
    where = at(path, "compensation")
    yield from _template(given.get("agent_id"), at(where, "agent_id"), scope)
    yield from _parameters(given, where, scope)


def _with_secrets(scope: Scope, allowed: bool) -> Scope:
    return Scope(scope.draft, scope.task, allowed, scope.items, scope.own_result)


def _expression(source: str, path: str, scope: Scope, result: type | None = None) -> Iterator[Issue]:
    try:
        expression = compile_expression(source)
        if not expression.references:
            yield from _constant(expression, path, result)
    except ExpressionError as error:
        yield error.as_issue(path)
        return
    for reference in sorted(expression.references, key=lambda one: one.position):
        yield from reference_issues(reference, path, scope)


def _constant(expression: Expression, path: str, result: type | None) -> Iterator[Issue]:
    """An expression that names nothing has its value already. Raises ExpressionError if it has none."""
    value = expression.evaluate({})
    if result is not None and not isinstance(value, result):
        wanted = "true or false" if result is bool else "a list"
        yield Issue(path, "wrong_type", f"This must give {wanted}; it always gives {show(value)}.")


def _template(value: Any, path: str, scope: Scope) -> Iterator[Issue]:
    if not value:  # most fields of most tasks
        return
    try:
        template = compile_template(value, path)
    except DefinitionError as error:
        yield from error.issues
        return
    yield from _constants(template)
    for where, reference in template.located_references:
        yield from reference_issues(reference, where, scope)


def _constants(template: Template) -> Iterator[Issue]:
    for substitution in template.substitutions:
        if not substitution.expression.references:
            try:
                substitution.value({})
            except TemplateError as error:
                yield error.as_issue(substitution.path)


def reference_issues(reference: Reference, path: str, scope: Scope) -> Iterator[Issue]:
    """What is wrong with naming this here."""
    match reference.root:
        case "tasks":
            yield from _task_reference(reference, path, scope)
        case "params":
            yield from _parameter_reference(reference, path, scope)
        case "secrets":
            yield from _secret_reference(reference, path, scope)
        case "item" | "index" if not scope.items:
            text = f"'{reference.root}' exists only in a task that has for_each, and not in for_each itself."
            yield _issue(path, "no_item", text, reference)
        case "workflow" if reference.path and reference.path[0] not in language.WORKFLOW_MEMBERS:
            yield _member(reference, path, "workflow", reference.path[0], language.WORKFLOW_MEMBERS)


def _task_reference(reference: Reference, path: str, scope: Scope) -> Iterator[Issue]:
    if not reference.path:
        text = "Name the task, as in tasks.key.output: which task is meant must stand in the definition."
        yield _issue(path, "dynamic_reference", text, reference)
        return
    name, *members = reference.path
    if name not in scope.draft.tasks:
        hint = scope.draft.task_names.nearest(name)
        yield _issue(
            path, "unknown_task", f"There is no task {show(name)}.{did_you_mean(hint)}", reference, hint
        )
    elif not (scope.own_result and name == scope.task) and not scope.draft.ancestry.is_upstream(
        name, scope.task
    ):
        yield _issue(path, "not_upstream", _not_upstream(name, scope.task), reference)
    if members and members[0] not in language.TASK_MEMBERS:
        yield _member(reference, path, f"tasks.{name}", members[0], language.TASK_MEMBERS)


def _not_upstream(name: str, task: str) -> str:
    if name == task:
        return "A task cannot look at its own result."
    return f"'{name}' need not be settled when this is evaluated; add it to the dependencies of '{task}'."


def _parameter_reference(reference: Reference, path: str, scope: Scope) -> Iterator[Issue]:
    secret = scope.draft.secret_parameters
    if not reference.path:
        exposed = bool(secret)
    elif reference.path[0] not in scope.draft.parameters:
        name = reference.path[0]
        hint = scope.draft.parameter_names.nearest(name)
        advice = did_you_mean(hint) or " Declare it under parameters."
        text = f"The workflow declares no parameter {show(name)}.{advice}"
        yield _issue(path, "undeclared_parameter", text, reference, hint)
        return
    else:
        exposed = reference.path[0] in secret
    if exposed and not scope.secrets:
        text = "A secret parameter may stand only in the parameters of an action that does not show or store them."
        yield _issue(path, "secret_not_allowed", text, reference)


def _secret_reference(reference: Reference, path: str, scope: Scope) -> Iterator[Issue]:
    if not reference.path:
        text = "Name the secret, as in secrets.name: which secret is meant must stand in the definition."
        yield _issue(path, "dynamic_reference", text, reference)
    if not scope.secrets:
        text = "A secret may stand only in the parameters of an action that does not show or store them."
        yield _issue(path, "secret_not_allowed", text, reference)


def _member(reference: Reference, path: str, of: str, name: str, known: tuple[str, ...]) -> Issue:
    # Older definitions call a task's output its result.
    hint = "output" if name == "result" and "output" in known else nearest(name[:100], known)
    text = f"{of} has no {show(name)}; it has {', '.join(known)}.{did_you_mean(hint)}"
    return _issue(path, "unknown_member", text, reference, hint)


def _issue(path: str, code: str, text: str, reference: Reference, hint: str = "") -> Issue:
    return Issue(path, code, f"At column {reference.position + 1}: {text}", hint=hint)
