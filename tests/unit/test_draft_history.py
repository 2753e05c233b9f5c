"""What undo and redo take next, against the two stacks that every editor has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from editor.history import Stacks, Step, stacks


@given(st.lists(st.sampled_from(["edit", "undo", "redo", "publish"]), max_size=30))
def test_undo_and_redo_are_two_stacks(wishes: list[str]) -> None:
    steps: list[Step] = []
    done: list[int] = []
    undone: list[int] = []
    for rev, wish in enumerate(wishes, start=2):
        if wish == "edit":
            steps.append(Step(rev, "edit"))
            done.append(rev)
            undone.clear()
        elif wish == "publish":
            steps.append(Step(rev, "publish"))
        elif wish == "undo" and done:
            steps.append(Step(rev, "undo", done[-1]))
            undone.append(done.pop())
        elif wish == "redo" and undone:
            steps.append(Step(rev, "redo", undone[-1]))
            done.append(undone.pop())
        found = stacks(steps)
        assert (found.undo, found.redo) == (done, undone)


def test_a_step_about_an_edit_that_is_no_longer_remembered_changes_nothing() -> None:
    assert stacks([Step(9, "undo", of=3)]) == Stacks()


def test_the_latest_step_about_an_edit_is_what_is_taken_back() -> None:
    found = stacks([Step(2, "edit"), Step(3, "undo", 2), Step(4, "redo", 2)])
    assert (found.undo, found.latest) == ([2], {2: 4})
