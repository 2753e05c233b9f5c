"""Whatever is done to a draft can be undone to the letter, in one go and past what others do to other places."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from editor.operations import (
    OPERATIONS,
    Change,
    ClashError,
    OperationError,
    carry_out,
    difference,
    inverted,
    touched_by,
    with_changes,
)
from editor.operations.documents import ABSENT
from orchestrator.definition.graph import find_cycle
from tests.unit.operation_strategies import BY_NAME, drafts, operations

Draft = dict[str, Any]


def text(draft: Draft) -> str:
    """With the order of keys, in which sequential tasks run."""
    return json.dumps(draft)


def done(draft: Draft, operation: Any) -> Draft:
    """What becomes of it; itself where the operation is refused."""
    try:
        return carry_out(draft, [operation])
    except OperationError:
        return draft


def stored(changes: list[Change]) -> list[Change]:
    return [Change.from_json(json.loads(json.dumps(change.as_json()))) for change in changes]


@settings(max_examples=400)
@given(drafts(), st.lists(operations, max_size=8))
def test_undo_gives_back_the_identical_draft_step_by_step(draft: Draft, wishes: list[Any]) -> None:
    states, changes = [draft], []
    for wish in wishes:
        states.append(done(states[-1], wish))
        changes.append(stored(difference(states[-2], states[-1])))
    for number in range(len(wishes), 0, -1):
        assert text(with_changes(states[number - 1], changes[number - 1])) == text(states[number])
        assert text(with_changes(states[number], inverted(changes[number - 1]))) == text(states[number - 1])


@settings(max_examples=200)
@given(drafts(), st.lists(operations, max_size=8))
def test_undo_of_a_whole_batch_gives_back_the_identical_draft(draft: Draft, wishes: list[Any]) -> None:
    after = draft
    for wish in wishes:
        after = done(after, wish)
    changes = difference(draft, after)
    assert text(with_changes(draft, changes)) == text(after)
    assert text(with_changes(after, inverted(changes))) == text(draft)


@settings(max_examples=200)
@given(drafts(), st.lists(operations, max_size=8))
def test_nothing_given_is_changed_and_no_loop_is_made(draft: Draft, wishes: list[Any]) -> None:
    before = text(draft)
    after = draft
    for wish in wishes:
        after = done(after, wish)
    assert text(draft) == before
    edges = {
        key: [one for one in task.get("dependencies", ()) if one in after["tasks"]]
        for key, task in after["tasks"].items()
    }
    assert find_cycle(edges) is None


@settings(max_examples=300)
@given(drafts(), operations, operations)
def test_changes_of_two_people_that_do_not_touch_are_both_there_in_either_order(
    draft: Draft, mine: Any, theirs: Any
) -> None:
    one, other = difference(draft, done(draft, mine)), difference(draft, done(draft, theirs))
    if any(change.touches(another) for change in one for another in other):
        return
    first = with_changes(with_changes(draft, one), other)
    second = with_changes(with_changes(draft, other), one)
    assert json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    undone = with_changes(first, inverted(one))
    assert json.dumps(undone, sort_keys=True) == json.dumps(with_changes(draft, other), sort_keys=True)


@settings(max_examples=500)
@example(
    {"tasks": {"a": {}, "b": {}}},
    {"op": "set", "field": ["settings", "max_parallel"], "value": {"u": None}},
    {"op": "set", "field": ["settings", "max_parallel"], "value": {}},
)
@given(drafts(least=2), operations, operations)
def test_a_change_never_overwrites_what_somebody_else_has_made_of_the_place(
    draft: Draft, mine: Any, theirs: Any
) -> None:
    wanted, other = difference(draft, done(draft, mine)), difference(draft, done(draft, theirs))
    disputed = [pair for pair in touched_by(wanted, other) if not pair[0].order]
    try:
        merged = with_changes(with_changes(draft, other), wanted)
    except ClashError as clash:
        assert clash.change in [one for one, _ in disputed]
        return
    # What is to go with what has gone already is gone, and a map with nothing in it is there in one with something.
    assert all(one.now is other.now is ABSENT or {} in (one.now, other.now) for one, other in disputed)
    kept = [change for change in other if not change.order and change.now != {}]
    assert all(with_changes(merged, [change]) is merged for change in kept)


@example({"tasks": {"a": {"name": "old"}}}, "mine", "theirs")
@given(drafts(least=1), st.text(max_size=3), st.text(max_size=3))
def test_two_values_for_one_field_clash_and_say_what_stands_there(
    draft: Draft, mine: str, theirs: str
) -> None:
    key = next(iter(draft["tasks"]))
    named = [
        carry_out(draft, [{"op": "set", "key": key, "field": ["name"], "value": one}])
        for one in (mine, theirs)
    ]
    if mine == theirs:
        assert with_changes(named[1], difference(draft, named[0])) is named[1]
        return
    with pytest.raises(ClashError) as caught:
        with_changes(named[1], difference(draft, named[0]))
    assert (caught.value.change.now, caught.value.found) == (mine, theirs)


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_the_strategies_carry_out_every_operation(name: str) -> None:
    """Lest the properties above are about operations that are all refused."""
    carried = 0

    @settings(max_examples=200, database=None, derandomize=True)
    @given(drafts(least=5), BY_NAME[name])
    def count(draft: Draft, wish: Any) -> None:
        nonlocal carried
        with suppress(OperationError):
            carry_out(draft, [wish])
            carried += 1

    count()
    assert carried > 0
