"""Checking a definition: size first, then its version, then every rule; all that is found is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.build import build
from orchestrator.definition.fields import ParameterSchema
from orchestrator.definition.issues import ROOT, DefinitionError, Issue, Severity, show
from orchestrator.definition.names import limited_advice
from orchestrator.definition.normal import normalise
from orchestrator.definition.rules import RULES, Draft
from orchestrator.definition.rules.draft import mapping, sequence
from orchestrator.definition.schema import Definition
from orchestrator.definition.strict_json import MAX_BYTES, check_value
from orchestrator.definition.versions import migrate

MOST_ISSUES = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found; `definition` is there when nothing was an error."""

    definition: Definition | None
    issues: tuple[Issue, ...]

    @property
    def errors(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.severity == "error")

    @property
    def warnings(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.severity == "warning")

    @property
    def ok(self) -> bool:
        return self.definition is not None


def check(data: Any, *, actions: Mapping[str, ParameterSchema]) -> Report:
    """Everything that is wrong with a definition of any schema version, and the definition if nothing is.

    Takes any JSON value and never raises. `actions` are the parameter schemas of the actions there are."""
    issues = list(_too_much(data))
    if issues:
        return Report(None, tuple(issues))
    migration = migrate(data)
    canonical = normalise(migration.data)
    issues = list(migration.issues)
    if migration.understood:
        # Of a place that could not be translated the rules would only say that it is not in the present language.
        refused = {issue.path for issue in issues if issue.severity == "error"}
        issues += [found for found in _findings(Draft(canonical, actions)) if found.path not in refused]
    unique = tuple(dict.fromkeys(issues))
    failed = any(issue.severity == "error" for issue in unique)
    return Report(None if failed else build(canonical), unique)


def parse(data: Any, *, actions: Mapping[str, ParameterSchema]) -> Definition:
    """The definition. Raises DefinitionError with every error."""
    report = check(data, actions=actions)
    if report.definition is None:
        raise DefinitionError(report.errors)
    return report.definition


def reread(data: Any) -> Definition:
    """The definition of data that was checked when it was stored: most of the work of `parse` is finding faults."""
    return build(normalise(migrate(data).data))


def _too_much(data: Any) -> Iterable[Issue]:
    """What makes it unwise to look any closer: the size is judged before the graph is built."""
    if not isinstance(data, dict):
        return [
            Issue(ROOT, "not_a_map", f"A definition is a map with a name and tasks; this is {show(data)}.")
        ]
    issues = check_value(data, max_bytes=MAX_BYTES)
    return issues or [*_too_many(data)]


def _too_many(data: Mapping[str, Any]) -> Iterator[Issue]:
    tasks = data.get("tasks")
    if not isinstance(tasks, dict | list):
        return
    if len(tasks) > language.MAX_TASKS:
        text = f"A workflow has at most {language.MAX_TASKS:,} tasks; these are {len(tasks):,}. Split it."
        yield Issue("tasks", "too_many_tasks", text)
    members = tasks.values() if isinstance(tasks, dict) else tasks
    loops = sum(mapping(task).get("for_each") is not None for task in members)
    if loops > language.MAX_LOOPS:
        text = (
            f"At most {language.MAX_LOOPS} tasks of a workflow have for_each; these are {loops:,}. Split it."
        )
        yield Issue("tasks", "too_many_loops", text)
    dependencies = sum(len(sequence(mapping(task).get("dependencies"))) for task in members)
    if dependencies > language.MAX_DEPENDENCIES:
        text = f"Its tasks have {dependencies:,} dependencies in all; at most {language.MAX_DEPENDENCIES:,} are taken."
        yield Issue("tasks", "too_many_dependencies", text)


def _findings(draft: Draft) -> list[Issue]:
    """What the rules find. Too many errors end the search; too many warnings do not, for errors may follow."""
    found: list[Issue] = []
    counts: Counter[Severity] = Counter()
    with limited_advice(MOST_ISSUES):
        for issue in chain.from_iterable(rule(draft) for rule in RULES):
            counts[issue.severity] += 1
            if counts[issue.severity] <= MOST_ISSUES:
                found.append(issue)
            elif issue.severity == "error":
                break
    return found + [_too_many_issues(severity) for severity, count in counts.items() if count > MOST_ISSUES]


def _too_many_issues(severity: Severity) -> Issue:
    text = f"There are more than {MOST_ISSUES:,} {severity}s; the others are shown once some are mended."
    return Issue(ROOT, "too_many_issues", text, severity)
