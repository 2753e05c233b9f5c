"""Trying a draft: what a wish for a test run comes to, told beforehand, and its start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from django.contrib.auth.models import User
from django.db.models import QuerySet

from editor import pins, trial
from editor.drafts import MAX_BATCH, refuse_changed
from editor.operations.graph import tasks_of
from editor.trial import Division, Scope
from orchestrator import engine
from orchestrator.definition import Definition, DefinitionError, Issue
from orchestrator.definition.issues import at, show
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.exceptions import InvalidError
from orchestrator.models import Run, Workflow
from orchestrator.planning.plan import compile_plan
from orchestrator.planning.stand_ins import Source, StandIn
from orchestrator.reads.outcomes import outcomes_of

How = Literal["earnest", "pin", "past", "mock", "nothing", "left_out"]

PAST: Final = {"past": True}  # in place of a mock: what the task came to in the past run
_WORDS: Final = {"all": "The whole draft", "from": "From {}", "to": "Up to {}", "only": "Only {}"}
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to try. `pins` holds for this once: null takes a pin off; `mocks` may be `{past: true}`."""

    scope: Scope = field(default_factory=Scope)
    pins: Mapping[str, Any] = field(default_factory=dict)
    mocks: Mapping[str, Any] = field(default_factory=dict)
    past_run: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What the test run does with one task; `acts` tells what that does beyond Baton."""

    key: str
    name: str
    how: How
    acts: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A test run as it would be: it can start when nothing is wrong and nothing missing."""

    rev: int
    title: str
    data: dict[str, Any]
    stand_ins: dict[str, StandIn]
    steps: tuple[Step, ...]
    problems: tuple[Issue, ...]
    missing: tuple[Issue, ...]
    definition: Definition | None

    @property
    def warning(self) -> str:
        """What has effects, in a sentence; nothing when nothing has."""
        acting = [step.name for step in self.steps if step.acts]
        if not acting:
            return ""
        named = ", ".join(acting[:_MOST_NAMED])
        more = f" and {len(acting) - _MOST_NAMED} more" if len(acting) > _MOST_NAMED else ""
        count = "1 task acts" if len(acting) == 1 else f"{len(acting)} tasks act"
        return f"{count} in earnest: {named}{more}."

    @property
    def ready(self) -> bool:
        return not self.problems and not self.missing


def prepare(workflow: Workflow, wish: Wish, visible: QuerySet[Run]) -> Prepared:
    """What would be run. `visible` are the runs that this person may see.

    Raises InvalidError for a wish that makes no sense: a task that is not there, a mock of the wrong shape.
    """
    draft = workflow.draft
    _refuse_unknown(draft, wish)
    division = trial.divided(draft, wish.scope)
    stand_ins = _stand_ins(workflow, wish, division, visible)
    data, used = trial.assembled(draft, division, stand_ins)
    report = engine.check_trial(data, used)
    definition = report.definition
    return Prepared(
        rev=workflow.draft_rev,
        title=_WORDS[wish.scope.kind].format(_name(draft, wish.scope.task)),
        data=data,
        stand_ins=used,
        steps=tuple(_steps(draft, division, used)),
        problems=report.errors,
        missing=tuple(trial.missing(compile_plan(definition), used)) if definition else (),
        definition=definition,
    )


def start(
    workflow: Workflow,
    wish: Wish,
    visible: QuerySet[Run],
    params: Mapping[str, Any] | None = None,
    *,
    user: User,
    base_rev: int | None = None,
    batch: str = "",
) -> Run:
    """Start it; the same `batch` of the same person is started once.

    Raises DisputeError when the draft has gone on since `base_rev`, DefinitionError, or InvalidError with all that is
    missing.
    """
    assert len(batch) <= MAX_BATCH
    key = f"try:{user.pk}:{batch}" if batch else None
    if key and (known := engine.run_of_key(workflow, key)):
        return known
    if base_rev is not None:
        refuse_changed(workflow, base_rev)
    prepared = prepare(workflow, wish, visible)
    if prepared.problems:
        raise DefinitionError(prepared.problems)
    if prepared.missing:
        raise InvalidError(prepared.missing[0].message, prepared.missing, code="missing_data")
    return engine.start_trial(
        workflow,
        prepared.data,
        prepared.stand_ins,
        params,
        rev=prepared.rev,
        user=user,
        note=prepared.title,
        idempotency_key=key,
    )


# The parts


def _refuse_unknown(draft: dict[str, Any], wish: Wish) -> None:
    tasks = tasks_of(draft)
    named = [("scope.task", wish.scope.task)] if wish.scope.kind != "all" else []
    named += [(at("pins", key), key) for key in wish.pins] + [(at("mocks", key), key) for key in wish.mocks]
    issues = [
        Issue(path, "unknown_task", f"The draft has no task {show(key)}.{did_you_mean(hint)}", hint=hint)
        for path, key in named
        if key not in tasks
        for hint in (nearest(key, tasks) if len(key) <= 100 else "",)
    ]
    if wish.scope.kind == "all" and wish.scope.task:
        issues.append(Issue("scope.task", "not_used", "The whole draft begins with no task; leave it out."))
    if issues:
        raise InvalidError(issues[0].message, issues, code=issues[0].code)


def _stand_ins(
    workflow: Workflow, wish: Wish, division: Division, visible: QuerySet[Run]
) -> dict[str, StandIn]:
    """Of several that could stand in for a task the one that was asked for most particularly.

    The task that the scope names is what is tried: it is done in earnest though it may be pinned.
    """
    kept = {*division.scope, *division.before}
    given = {key: data for key, data in wish.pins.items() if data is not None}
    mocks = {key: data for key, data in wish.mocks.items() if data != PAST}
    pins.refuse_secrets({**given, **mocks})
    asked_for = {key for key, data in wish.mocks.items() if data == PAST}
    unpinned = {wish.scope.task, *wish.pins, *asked_for}
    lasting = {key: one for key, one in pins.stand_ins(workflow).items() if key not in unpinned}
    past = _from_past(workflow, wish, division, visible)
    found = past | lasting | _read(workflow, given, "pin") | _read(workflow, mocks, "mock")
    return {key: one for key, one in found.items() if key in kept}


def _from_past(
    workflow: Workflow, wish: Wish, division: Division, visible: QuerySet[Run]
) -> dict[str, StandIn]:
    asked = [key for key, data in wish.mocks.items() if data == PAST]
    if wish.past_run is None:
        if asked:
            text = "Say from which run its outcome is taken: past_run."
            raise InvalidError(text, [Issue(at("mocks", key), "required", text) for key in asked])
        return {}
    if not visible.filter(pk=wish.past_run, workflow=workflow).exists():
        text = f"There is no run {wish.past_run} of this workflow."
        raise InvalidError(text, [Issue("past_run", "no_run", text)], code="no_run")
    found = outcomes_of(wish.past_run, [*division.before, *asked])
    unknown = [key for key in asked if key not in found]
    if unknown:
        text = f"The task {unknown[0]} came to nothing in run {wish.past_run}."
        raise InvalidError(text, [Issue(at("mocks", key), "no_outcome", text) for key in unknown])
    # A failure in the midst of what is tried is one, whatever the past run made of it.
    return {key: replace(one, provided=False) if key in division.scope else one for key, one in found.items()}


def _read(workflow: Workflow, given: Mapping[str, Any], source: Source) -> dict[str, StandIn]:
    found: dict[str, StandIn] = {}
    issues: list[Issue] = []
    for key, data in given.items():
        try:
            found[key] = trial.stand_in_of(data, source, at(f"{source}s", key), pins.action_of(workflow, key))
        except DefinitionError as error:
            issues += error.issues
    if issues:
        raise InvalidError(issues[0].message, issues, code=issues[0].code)
    return found


def _steps(draft: dict[str, Any], division: Division, used: Mapping[str, StandIn]) -> Iterator[Step]:
    left_out = set(division.left_out)
    for key, task in tasks_of(draft).items():
        if key in left_out:
            yield Step(key, _name(draft, key), "left_out")
        elif key in used:
            yield Step(key, _name(draft, key), used[key].source)
        else:
            yield Step(key, _name(draft, key), "earnest", trial.acts(task))


def _name(draft: dict[str, Any], key: str) -> str:
    task = tasks_of(draft).get(key)
    return str(task.get("name") or key) if isinstance(task, dict) else key
