"""The agent and Baton write at the same moment: neither loses anything."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from typing import Any

import pytest

from orchestrator.agents.outbox import folder
from orchestrator.agents.outbox.postman import Postman
from tests.engine.outbox.desks import Desk, output_of, start, statuses
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_the_agent_writes_at_the_moment_of_a_write_is_not_lost(
    ann: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    run_b = start("b")
    put, late = folder._put, []

    def put_late(*given: Any) -> None:
        if not late:
            late.append(True)
            ann.edit("a", status="completed", output="just now")
        put(*given)

    monkeypatch.setattr(folder, "_put", put_late)
    walk.look()
    walk.look()
    assert late
    assert (statuses(run), output_of(run)) == ({"a": "completed"}, "just now")
    assert statuses(run_b) == {"b": "running"}
    assert ann.tasks() == ["b"]


def test_an_edit_in_place_that_ends_after_a_write_is_not_lost(ann: Desk) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    content = ann.read()
    content["tasks"][0].update(status="completed", output="slow")
    with ann.path.open("r+") as file:
        start("b")
        walk.look()
        assert ann.tasks() == ["a", "b"]
        file.write(json.dumps(content))
        file.truncate()
    walk.look()
    walk.look()
    assert (statuses(run), output_of(run)) == ({"a": "completed"}, "slow")
    assert ann.tasks() == ["b"]


def test_an_agent_that_takes_the_lock_and_baton_write_at_once_and_lose_nothing(ann: Desk) -> None:
    walk, stop, marks = Postman(), threading.Event(), []
    walk.look()

    def scribble() -> None:
        while not stop.is_set():
            with (ann.path.parent / "outbox.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                content = ann.read()
                marks.append(f"mark-{len(marks)}")
                content["metadata"][marks[-1]] = True
                for entry in content["tasks"][:1]:
                    entry.update(status="completed", output=marks[-1])
                ann.write(content)

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        runs = []
        for _ in range(15):
            runs.append(start("a", "b"))
            walk.look()
    finally:
        stop.set()
        thread.join()
    for _ in range(20):
        ann.edit(status="completed")
        walk.look()
    assert set(ann.read()["metadata"]) == set(marks)
    assert {status for run in runs for status in statuses(run).values()} == {"completed"}
    assert len({one["task_id"] for one in ann.read()["history"]}) == 30
    assert_invariants(runs)


def test_a_file_that_is_replaced_while_it_is_opened_is_read_again(
    ann: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    opened, late = os.fstat, []

    def fstat(file: int) -> os.stat_result:
        if not late and opened(file).st_ino == ann.path.stat().st_ino:
            late.append(True)
            ann.edit(status="completed")
        return opened(file)

    monkeypatch.setattr(os, "fstat", fstat)
    walk.look()
    assert late
    assert ann.rejected == []
    assert statuses(run) == {"a": "completed"}
