"""Tasks that can never run, whatever the others do: what their conditions ask for cannot be.

A task completes only if its conditions held, and with the usual joins only after others have completed, whose conditions
held as well. Where two of all these exclude each other the task is never reached. One walk in the order of work, in
which each task keeps a few of the literals that must be true once it has completed.

Nothing is claimed that is not so in every run: a task whose `on_failure` is not `fail` may count as completed although a
condition had no value; and what a condition says of tasks is forgotten where these may still be at work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from orchestrator.definition.issues import Issue, at, show, warning
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.definition.rules.conditions import Literal, literals_of
from orchestrator.definition.rules.draft import Draft, sequence
from orchestrator.definition.rules.joins import is_never_met

SETTLED: Final = ("completed", "failed", "skipped", "cancelled")
_BAD: Final = ("failed", "cancelled")
_KEPT: Final = 16  # literals of a task that are followed: a chain of thousands would gather thousands


class Known(NamedTuple):
    """What a part of a condition is, and by the condition of which task."""

    value: tuple[str, Any]
    task: str


Facts = Mapping[str, Known]
_NONE: Final[Facts] = {}


def check_reachability(draft: Draft) -> Iterator[Issue]:
    """Each task can run, if all goes as it may."""
    walk = _Walk(draft)
    for key in draft.order:
        yield from walk.look_at(key)


class _Walk:
    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._facts: dict[str, Facts] = {}
        self._never: set[str] = set()  # never complete
        self._off = set(draft.switched_off)  # of these another rule has told why
        self._calm: set[str] = set()  # all that lies upstream has settled when they are decided on

    def look_at(self, key: str) -> Iterator[Issue]:
        task, needed = self._draft.tasks[key], self._draft.edges[key]
        self._facts[key] = _NONE
        if key in self._off or (self._off and is_never_met(task, needed, self._off)):
            self._off.add(key)
            self._never.add(key)
        elif len(needed) == len(sequence(task.get("dependencies"))) and self._knows(needed):
            yield from self._judged(key, task, needed)

    def _knows(self, needed: list[str]) -> bool:
        """Not so where tasks wait for each other."""
        return all(name in self._facts for name in needed)

    def _judged(self, key: str, task: Mapping[str, Any], needed: list[str]) -> Iterator[Issue]:
        join = task.get("join", "any_succeeded")
        if self._calm.issuperset(needed) and (join != "first_succeeded" or len(needed) < 2):
            self._calm.add(key)
        issue = self._through_its_join(key, task, needed) or self._through_its_conditions(key, task, needed)
        if issue:
            self._never.add(key)
            yield issue

    # Joins

    def _through_its_join(self, key: str, task: Mapping[str, Any], needed: list[str]) -> Issue | None:
        """Why its join is never met; otherwise its facts are those of the tasks it can only run after."""
        if self._never and is_never_met(task, needed, self._never):
            culprits = [name for name in needed if name in self._never]
            return _behind(at(self._draft.paths[key], "join"), culprits)
        match task.get("join", "any_succeeded"):
            case "all_succeeded":
                return self._unite(key, needed)
            case "any_succeeded" | "first_succeeded":
                self._facts[key] = self._common([name for name in needed if name not in self._never])
        return None

    def _unite(self, key: str, needed: list[str]) -> Issue | None:
        """All of them complete, so what holds for one holds for this task."""
        together: dict[str, Known] = {}
        several = self._different(needed)
        if len(several) == 1:
            self._facts[key] = several[0]
            return None
        for facts in several:
            for part, known in facts.items():
                other = together.get(part, known)
                if other.value != known.value:
                    return _exclusive(at(self._draft.paths[key], "join"), other.task, known.task)
                if len(together) < _KEPT:
                    together[part] = known
        self._facts[key] = together
        return None

    def _common(self, needed: list[str]) -> Facts:
        """One of them completes, nobody knows which: what holds for all."""
        several = self._different(needed)
        if len(several) == 1:
            return several[0]
        first, *others = sorted(several, key=len) or [_NONE]
        return {
            part: known
            for part, known in first.items()
            if all(_agrees(facts, part, known) for facts in others)
        }

    def _different(self, needed: list[str]) -> list[Facts]:
        """The facts of these, each once: along a chain, and behind a fan, tasks share theirs."""
        if len(needed) == 1:
            return [self._facts[needed[0]]]
        return list({id(facts): facts for facts in map(self._facts.__getitem__, needed)}.values())

    # Conditions

    def _through_its_conditions(self, key: str, task: Mapping[str, Any], needed: list[str]) -> Issue | None:
        """Why they never hold; otherwise they are among its facts."""
        sources = sequence(task.get("conditions"))
        if not sources or self._draft.on_failure(task)[0] != "fail":
            return None
        facts = dict(self._facts[key])
        for index, source in enumerate(sources):
            path = at(at(self._draft.paths[key], "conditions"), index)
            for literal in literals_of(source) if isinstance(source, str) else ():
                if literal.of_tasks and key not in self._calm:
                    continue
                issue = self._impossible(literal, task, needed, path) or _excluded(literal, facts, key, path)
                if issue:
                    return issue
                if len(facts) < _KEPT:
                    facts[literal.part] = Known(literal.value, key)
        self._facts[key] = facts
        return None

    def _impossible(
        self, literal: Literal, task: Mapping[str, Any], needed: list[str], path: str
    ) -> Issue | None:
        """What no task upstream can be by then."""
        name, (kind, status) = literal.status_of, literal.value
        if name not in self._draft.tasks or kind != "str":
            return None
        if status not in SETTLED:
            return _no_status(path, name, status)
        if status == "completed" and name in self._never:
            text = f"It can never run: '{name}' never completes. Mend that task, or ask for something else."
            return warning(path, "conditions_exclude", text)
        join = task.get("join", "any_succeeded")
        if status in _BAD and name in needed and join in ("any_succeeded", "all_succeeded"):
            return _unseen(path, name, status, join)
        return None


def _agrees(facts: Facts, part: str, known: Known) -> bool:
    other = facts.get(part)
    return other is not None and other.value == known.value


def _excluded(literal: Literal, facts: Facts, key: str, path: str) -> Issue | None:
    known = facts.get(literal.part)
    if known is None or known.value == literal.value:
        return None
    if known.task == key:
        text = "It can never run: what this condition asks for excludes what the task asks for besides. Change one of them."
    else:
        text = (
            f"It can never run: it needs '{known.task}' to have completed, and what that task's condition asks for "
            "excludes what this one asks for. Change one of them."
        )
    return warning(path, "conditions_exclude", text)


def _exclusive(path: str, one: str, other: str) -> Issue:
    text = (
        f"It can never run: it needs both '{one}' and '{other}', and their conditions exclude each other. "
        "Join any_succeeded here to go on after either."
    )
    return warning(path, "branches_exclude", text)


def _behind(path: str, culprits: list[str]) -> Issue:
    names = ", ".join(f"'{name}'" for name in culprits)
    text = f"It can never run, for {names} can never complete. Mend that first, or join all_settled here."
    return warning(path, "unreachable", text)


def _unseen(path: str, name: str, status: str, join: str) -> Issue:
    text = (
        f"It can never run: with the join {join} it is skipped once a dependency has failed, so it never sees "
        f"'{name}' {status}. Join all_settled to run after a failure."
    )
    return warning(path, "failure_never_seen", text)


def _no_status(path: str, name: str, status: str) -> Issue:
    hint = nearest(status, SETTLED) if len(status) <= 100 else ""
    text = (
        f"It can never run: '{name}' is {', '.join(SETTLED[:-1])} or {SETTLED[-1]} by then, and never {show(status)}."
        f"{did_you_mean(hint)}"
    )
    return warning(path, "status_never", text, hint)
