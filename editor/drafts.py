"""Drafts as they are stored: changed by operations under a revision number, with a record to merge and undo by.

Two people may work on one draft at once. What each sends says on which revision it is based; as long as it touches no
place that was changed since, both are kept. Where it does, nothing is stored and the sender is told both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db.models import TextField
from django.db.models.functions import Cast, Length

from editor import pins
from editor.history import Kind, Stacks, Step, stacks
from editor.models import DraftChange
from editor.operations import (
    Change,
    ClashError,
    OperationError,
    carry_out,
    difference,
    inverted,
    touched_by,
    with_changes,
)
from editor.operations.documents import ABSENT, got
from editor.operations.extraction import Extraction, extraction
from editor.operations.graph import tasks_of
from orchestrator import engine
from orchestrator.definition import DefinitionError, Issue, strict_json
from orchestrator.definition.language import MAX_TASKS, WORKFLOW_TRIGGER
from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Workflow, WorkflowVersion

KEPT = 1_000  # changes of a draft that are remembered
UNDOABLE = 200  # steps of one person that undo looks back over
MAX_BATCH = 64
MOST_TOLD = 200  # revisions, and
MOST_TOLD_SIZE = 1024 * 1024  # characters of changes, for which a reader is not sent to the draft itself


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two people want the same place otherwise. `theirs` stands there now; a side without a value took it away."""

    path: tuple[str, ...]
    mine: Any
    theirs: Any
    by: str

    def as_json(self) -> dict[str, Any]:
        sides = {
            name: side for name, side in (("mine", self.mine), ("theirs", self.theirs)) if side is not ABSENT
        }
        return {"path": list(self.path), "by": self.by, **sides}


class DisputeError(ConflictError):
    """Nothing was stored: somebody has changed the same places since."""

    code = "disputed"

    def __init__(self, disputes: Sequence[Dispute], rev: int) -> None:
        who = ", ".join(sorted({one.by for one in disputes})) or "Somebody"
        places = ", ".join(dict.fromkeys(".".join(one.path) for one in disputes))
        super().__init__(
            f"{who} changed {places} meanwhile. Take theirs, or send yours again based on revision {rev}."
        )
        self.disputes = tuple(disputes)
        self.rev = rev


@dataclass(frozen=True)
class Draft:
    """A draft as one person has it before them. It is checked when somebody asks what is wrong with it, since that takes
    longer than the edit."""

    rev: int
    definition: dict[str, Any]
    can_undo: bool
    can_redo: bool

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        return (
            *engine.check_definition(self.definition).issues,
            *engine.check_approvers(self.definition),
        )


@dataclass(frozen=True, slots=True)
class Extracted:
    """The draft after it, the key of the step that stands in it now, and the workflow which that step starts. `notes` say
    what a run does otherwise now; they are told once."""

    draft: Draft
    step: str
    workflow: Workflow
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What made one revision out of the one before, `changes` as `Change.as_json` has them."""

    rev: int
    kind: str
    user: User | None
    at: datetime
    changes: list[dict[str, Any]]


def draft_of(workflow: Workflow, user: User) -> Draft:
    history = _history(workflow, user)
    return Draft(workflow.draft_rev, workflow.draft, bool(history.undo), bool(history.redo))


def changes_since(workflow: Workflow, rev: int) -> list[Made]:
    """What was done to the draft after that revision, by whom, oldest first; nothing is written.

    Raises ConflictError when not all of it is known, or when it is more than a whole draft to read.
    """
    _refuse_future(workflow, rev)
    rows = workflow.draft_changes.filter(rev__gt=rev, rev__lte=workflow.draft_rev)
    size = Length(Cast("changes", TextField()))
    sizes = list(rows.annotate(size=size).order_by().values_list("size", flat=True)[: MOST_TOLD + 1])
    # A revision without a record is the engine's, which has replaced the draft.
    if len(sizes) != workflow.draft_rev - rev or len(sizes) > MOST_TOLD or sum(sizes) > MOST_TOLD_SIZE:
        text = f"Not all that was done since revision {rev} can be told. Read the draft as it is now."
        raise ConflictError(text, code="draft_replaced")
    return [Made(row.rev, row.kind, row.user, row.at, row.changes) for row in rows.select_related("user")]


def change(
    workflow: Workflow, operations: Sequence[Any], *, base_rev: int, user: User, batch: str = ""
) -> Draft:
    """Carry out these operations, which were made on revision `base_rev`. The same `batch` sent again changes nothing.

    Batches of one person that are named alike up to their last dash are one sitting: what was made without waiting for the
    answer to the one before does not dispute with it. Raises InvalidError for what cannot be done, DisputeError where somebody else was first.
    """
    with committing("draft"):
        fresh = _locked(workflow)
        if not _is_known(fresh, user, batch):
            theirs = _of_others(_since(fresh, base_rev), user, batch)
            after = _carried_out(fresh.draft, operations)
            changes = difference(fresh.draft, after)
            _refuse_disputes(fresh, changes, theirs)
            _store(fresh, "edit", changes, user=user, batch=batch, operations=operations)
    return draft_of(fresh, user)


def extract(
    workflow: Workflow,
    keys: Sequence[str],
    name: str,
    *,
    base_rev: int,
    user: User,
    step: str = "",
    batch: str = "",
) -> Extracted:
    """Make a workflow of the person's own of these steps, and put a step that starts it in their place: one edit, of which
    an undo gives the steps back and leaves the workflow. The same `batch` sent again makes nothing more.

    Raises InvalidError for what cannot be taken out, DisputeError when the draft has changed since `base_rev`: then
    nothing is made.
    """
    notes: tuple[str, ...] = ()
    with committing("draft"):
        fresh = _locked(workflow)
        if _is_known(fresh, user, batch):
            operations = fresh.draft_changes.get(user=user, batch=batch).operations
        else:
            refuse_changed(fresh, base_rev)
            found = _extraction(fresh.draft, keys, name, step)
            notes, operations = found.notes, found.operations(_saved(found, user, fresh).key)
            changes = difference(fresh.draft, _carried_out(fresh.draft, operations))
            _store(fresh, "edit", changes, user=user, batch=batch, operations=operations)
    key, target = _stands_in(operations)
    return Extracted(draft_of(fresh, user), key, Workflow.objects.get(key=target), notes)


def at_revision(workflow: Workflow, rev: int) -> dict[str, Any]:
    """The draft as it was then, while that is remembered; otherwise as it is now."""
    found: dict[str, Any] = workflow.draft
    try:
        for row in reversed(_since(workflow, rev)):
            found = with_changes(found, inverted(_changes(row)))
    except (ConflictError, InvalidError, ClashError):
        return workflow.draft
    return found


def change_to(workflow: Workflow, definition: dict[str, Any], *, base_rev: int, user: User) -> Draft:
    """Make of the draft what was written over revision `base_rev`, keeping what others changed elsewhere since."""
    with committing("draft"):
        fresh = _locked(workflow)
        theirs = _since(fresh, base_rev)
        changes = difference(at_revision(fresh, base_rev), definition)
        _refuse_disputes(fresh, changes, theirs)
        after = with_changes(fresh.draft, changes)
        _refuse_size(after)
        # What is there already is not changed once more: the same text may come twice.
        _store(fresh, "edit", difference(fresh.draft, after), user=user, operations=[{"op": "replace"}])
    return draft_of(fresh, user)


def undo(workflow: Workflow, *, user: User, batch: str = "") -> Draft:
    """Take back this person's latest edit, past whatever others have changed elsewhere since."""
    return _step(workflow, "undo", user, batch)


def redo(workflow: Workflow, *, user: User, batch: str = "") -> Draft:
    return _step(workflow, "redo", user, batch)


def publish(workflow: Workflow, *, base_rev: int, user: User, note: str = "") -> WorkflowVersion:
    """Publish the draft as it stands at `base_rev`. Raises DefinitionError with all that keeps it from running."""
    with committing("draft publish"):
        fresh = _locked(workflow)
        refuse_changed(fresh, base_rev)
        before = fresh.draft
        version = engine.publish(fresh, fresh.draft, user=user, note=note)
        _record(fresh, "publish", difference(before, fresh.draft), user=user)
    return version


def refuse_changed(workflow: Workflow, base_rev: int) -> None:
    """Raises DisputeError with all that has come to the draft since that revision."""
    if workflow.draft_rev != base_rev:
        raise DisputeError(_all_disputes(_since(workflow, base_rev)), workflow.draft_rev)


# The parts


def _step(workflow: Workflow, kind: Kind, user: User, batch: str) -> Draft:
    with committing("draft"):
        fresh = _locked(workflow)
        if not _is_known(fresh, user, batch):
            edit, changes = _next(fresh, kind, user)
            try:
                with_changes(fresh.draft, changes)
            except ClashError as clash:
                raise DisputeError([_clashed(fresh, clash)], fresh.draft_rev) from None
            _store(fresh, kind, changes, user=user, batch=batch, of=edit)
    return draft_of(fresh, user)


def _next(workflow: Workflow, kind: Kind, user: User) -> tuple[int, list[Change]]:
    """The edit that is to be undone or redone, and the changes that do it."""
    history = _history(workflow, user)
    waiting = history.undo if kind == "undo" else history.redo
    if not waiting:
        raise ConflictError(f"You have nothing to {kind} here.", code=f"nothing_to_{kind}")
    edit = waiting[-1]
    latest = workflow.draft_changes.get(rev=history.latest[edit])
    return edit, inverted(_changes(latest))


def _locked(workflow: Workflow) -> Workflow:
    return Workflow.objects.select_for_update().get(pk=workflow.pk)


def _is_known(workflow: Workflow, user: User, batch: str) -> bool:
    return bool(batch) and workflow.draft_changes.filter(user=user, batch=batch).exists()


def _since(workflow: Workflow, base_rev: int) -> list[DraftChange]:
    """What came after that revision. Raises ConflictError when not all of it is known."""
    _refuse_future(workflow, base_rev)
    found = list(workflow.draft_changes.filter(rev__gt=base_rev).select_related("user"))
    if len(found) < workflow.draft_rev - base_rev:
        text = "The whole draft was replaced meanwhile. Look at it as it is now and do it again there."
        raise ConflictError(text, code="draft_replaced")
    return found


def _of_others(rows: Sequence[DraftChange], user: User, batch: str) -> list[DraftChange]:
    sitting, dash, _ = batch.rpartition("-")
    return [
        row for row in rows if not (dash and row.user_id == user.pk and row.batch.startswith(sitting + dash))
    ]


def _refuse_future(workflow: Workflow, rev: int) -> None:
    if rev > workflow.draft_rev:
        raise InvalidError(f"There is no revision {rev} yet; the draft is at {workflow.draft_rev}.")


def _carried_out(draft: dict[str, Any], operations: Sequence[Any]) -> dict[str, Any]:
    try:
        after = carry_out(draft, operations)
    except OperationError as error:
        where = f"ops[{error.index}]" + (f": {error.path}" if error.path else "")
        raise InvalidError(
            error.message, [Issue(where, error.code, error.message)], code=error.code
        ) from None
    _refuse_size(after)
    return after


def _extraction(draft: dict[str, Any], keys: Sequence[str], name: str, step: str) -> Extraction:
    try:
        return extraction(draft, keys, name, step)
    except OperationError as error:
        issue = Issue(error.path, error.code, error.message)
        raise InvalidError(error.message, [issue], code=error.code) from None


def _saved(found: Extraction, user: User, of: Workflow) -> Workflow:
    try:
        return engine.save_workflow(found.definition, user=user, note=f"Extracted from {of.key}")
    except DefinitionError as error:
        errors = [issue for issue in error.issues if issue.severity == "error"]
        text = (
            f"What is wrong with these steps would be wrong with the new workflow, too: {errors[0].message}"
        )
        raise InvalidError(text, errors, code="not_extractable") from None


def _stands_in(operations: Sequence[Any]) -> tuple[str, str]:
    """The step that an extraction put in place of others, and the workflow it starts."""
    for one in operations:
        if one.get("op") == "add" and got(one, ("task", "action")) == WORKFLOW_TRIGGER:
            return one["key"], one["task"]["parameters"]["workflow_id"]
    raise ConflictError("This batch was another change of the draft; give the extraction a name of its own.")


def _refuse_size(draft: dict[str, Any]) -> None:
    issues = strict_json.check_value(draft, max_bytes=strict_json.MAX_BYTES)
    if len(tasks_of(draft)) > MAX_TASKS:
        issues.append(Issue("tasks", "too_many", f"A workflow has at most {MAX_TASKS:,} tasks."))
    if issues:
        raise InvalidError(issues[0].message, issues, code=issues[0].code)


def _refuse_disputes(workflow: Workflow, changes: Sequence[Change], theirs: Sequence[DraftChange]) -> None:
    disputes = [
        Dispute(mine.path, mine.now, other.now, _name(row))
        for row in theirs
        for mine, other in touched_by(changes, _changes(row))
    ]
    if disputes:
        raise DisputeError(disputes, workflow.draft_rev)


def _all_disputes(theirs: Iterable[DraftChange]) -> list[Dispute]:
    return [Dispute(one.path, ABSENT, one.now, _name(row)) for row in theirs for one in _changes(row)]


def _clashed(workflow: Workflow, clash: ClashError) -> Dispute:
    for row in workflow.draft_changes.select_related("user").order_by("-rev")[:UNDOABLE]:
        if any(clash.change.touches(one) for one in _changes(row)):
            return Dispute(clash.change.path, clash.change.now, clash.found, _name(row))
    return Dispute(clash.change.path, clash.change.now, clash.found, "Somebody")


def _store(workflow: Workflow, kind: Kind, changes: Sequence[Change], **given: Any) -> None:
    """A new revision; what changes nothing makes none, but for undo and redo, which move on."""
    if not changes and kind == "edit":
        return
    workflow.draft = with_changes(workflow.draft, changes)
    workflow.draft_rev += 1
    workflow.save(update_fields=["draft", "draft_rev", "updated_at"])
    pins.follow(workflow, _renames(workflow, kind, given))
    _record(workflow, kind, changes, **given)


def _renames(workflow: Workflow, kind: Kind, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Which tasks are called otherwise after it: old key and new."""
    operations = given.get("operations")
    if operations is None:
        operations = (
            workflow.draft_changes.filter(rev=given["of"]).values_list("operations", flat=True).first()
        )
    found = [
        (one["key"], one["to"])
        for one in operations or ()
        if one.get("op") == "rename" and one["key"] != one["to"]
    ]
    return [(new, old) for old, new in reversed(found)] if kind == "undo" else found


def _record(workflow: Workflow, kind: Kind, changes: Sequence[Change], **given: Any) -> None:
    rev = workflow.draft_rev
    workflow.draft_changes.create(rev=rev, kind=kind, changes=[one.as_json() for one in changes], **given)
    workflow.draft_changes.filter(rev__lte=rev - KEPT).delete()


def _history(workflow: Workflow, user: User) -> Stacks:
    rows = workflow.draft_changes.filter(user=user).order_by("-rev").values_list("rev", "kind", "of")
    return stacks(Step(*row) for row in reversed(rows[:UNDOABLE]))


def _changes(row: DraftChange) -> list[Change]:
    return [Change.from_json(one) for one in row.changes]


def _name(row: DraftChange) -> str:
    return row.user.get_username() if row.user else "Somebody"
