"""Files that agents hand in: kept with the task under the fence of their attempt, and gone with its run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orchestrator import clock, conf, engine, files
from orchestrator.engine import agent_work, agents, artifacts, points
from orchestrator.engine.agent_work import Assignment
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Agent, Artifact, Run
from tests.engine.flows import flow, task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> Path:
    settings.BATON = {**settings.BATON, "FILES": tmp_path / "files", "FILE_MAX_BYTES": 1000}
    return tmp_path / "files"


@pytest.fixture
def rover() -> Agent:
    return agents.register("rover", pools=["night"])


@pytest.fixture
def run(rover: Agent) -> Run:
    return engine.start(engine.save_workflow(flow({"a": task(agent_id="pool:night", retry_count=1)})))


@pytest.fixture
def held(rover: Agent, run: Run) -> Assignment:
    (given,) = agent_work.take(rover)
    return given


def on_disk(kept: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in kept.rglob("*") if path.is_file())


def shown() -> list[tuple[str, int, int]]:
    return list(Artifact.objects.order_by("pk").values_list("name", "attempt", "size"))


def test_a_file_is_kept_with_its_task(held: Assignment, run: Run, kept: Path) -> None:
    made = artifacts.attach(held.lease, "report.pdf", iter([b"%PDF-", b"1.7"]))
    assert (made.task_run, made.attempt, made.size) == (run.tasks.get(), 1, 8)
    assert (made.content_type, made.by) == ("application/pdf", "rover")
    assert on_disk(kept) == [b"%PDF-1.7"]
    agent_work.complete(held.lease, None)
    with files.open_file(Artifact.objects.get().key) as handle:
        assert handle.read() == b"%PDF-1.7"


def test_the_same_name_takes_the_place_of_the_earlier_within_an_attempt(held: Assignment, kept: Path) -> None:
    for content in (b"one", b"other"):
        artifacts.attach(held.lease, "a.txt", [content])
    artifacts.attach(held.lease, "b.txt", [b"b"])
    assert shown() == [("a.txt", 1, 5), ("b.txt", 1, 1)]
    assert on_disk(kept) == [b"b", b"other"]


def test_the_next_attempt_leaves_what_the_one_before_handed_in(
    held: Assignment, rover: Agent, kept: Path
) -> None:
    artifacts.attach(held.lease, "a.txt", [b"first"])
    agent_work.fail(held.lease, "no")
    clock.tick(timezone.now() + timedelta(minutes=10))
    (again,) = agent_work.take(rover)
    artifacts.attach(again.lease, "a.txt", [b"second"])
    assert shown() == [("a.txt", 1, 5), ("a.txt", 2, 6)]
    assert on_disk(kept) == [b"first", b"second"]


def test_what_comes_after_the_lease_is_refused_and_nothing_is_kept(
    held: Assignment, run: Run, kept: Path
) -> None:
    clock.tick(timezone.now() + timedelta(seconds=conf.lease_seconds() + 1))
    (other,) = agent_work.take(agents.register("other", pools=["night"]))
    artifacts.attach(other.lease, "a.txt", [b"in time"])
    with pytest.raises(ConflictError) as refused:
        artifacts.attach(held.lease, "a.txt", [b"late"])
    assert refused.value.code == "lease_lost"
    agent_work.complete(other.lease, None)
    with pytest.raises(ConflictError):
        artifacts.attach(other.lease, "b.txt", [b"late, too"])
    assert on_disk(kept) == [b"in time"]


def test_a_lease_that_is_lost_while_the_file_is_on_its_way_keeps_nothing(
    held: Assignment, run: Run, kept: Path
) -> None:
    def slowly() -> Iterator[bytes]:
        yield b"the beginning"
        engine.cancel(run.pk)
        yield b" and the end"

    with pytest.raises(ConflictError) as refused:
        artifacts.attach(held.lease, "a.txt", slowly())
    assert refused.value.code == "lease_lost"
    assert (shown(), on_disk(kept)) == ([], [])


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"x" * 1001, "file_too_large"),
        ("a.txt", b"", "file_empty"),
        ("../a.txt", b"x", "bad_name"),
        ("a/b.txt", b"x", "bad_name"),
        ("a\\b.txt", b"x", "bad_name"),
        (" a.txt", b"x", "bad_name"),
        ("..", b"x", "bad_name"),
        ("a\x00.txt", b"x", "bad_name"),
        ("a\u202etxt", b"x", "bad_name"),
        ("a" * 201, b"x", "bad_name"),
    ],
    ids=["large", "empty", "up", "folder", "backslash", "blank", "dots", "nul", "turned", "long"],
)
def test_what_is_not_kept_is_said(held: Assignment, kept: Path, name: str, content: bytes, code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        artifacts.attach(held.lease, name, [content] if content else [])
    assert refused.value.code == code
    assert (shown(), on_disk(kept)) == ([], [])


def test_an_attempt_has_so_many_and_no_more_but_may_still_replace_them(
    held: Assignment, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "MOST_ARTIFACTS", 2)
    for name in ("a", "b"):
        artifacts.attach(held.lease, name, [b"x"])
    with pytest.raises(ConflictError, match="at most 2 artifacts") as refused:
        artifacts.attach(held.lease, "c", [b"x"])
    assert refused.value.code == "too_many_artifacts"
    artifacts.attach(held.lease, "b", [b"yy"])
    assert on_disk(kept) == [b"x", b"yy"]


def test_files_go_with_the_run(held: Assignment, run: Run, kept: Path) -> None:
    artifacts.attach(held.lease, "a.txt", [b"x"])
    Run.objects.filter(pk=run.pk).delete()
    assert on_disk(kept) == []


def test_a_crash_before_the_row_is_there_leaves_nothing_behind(held: Assignment, kept: Path) -> None:
    artifacts.attach(held.lease, "a.txt", [b"before"])

    def die() -> None:
        raise KeyboardInterrupt

    points.arm("artifact before commit", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            artifacts.attach(held.lease, "a.txt", [b"after"])
    finally:
        points.disarm()
    assert (shown(), on_disk(kept)) == ([("a.txt", 1, 6)], [b"before"])


def test_what_a_crash_left_is_swept_up_after_a_day(held: Assignment, kept: Path) -> None:
    artifacts.attach(held.lease, "a.txt", [b"known"])
    files.store([b"lost"], 10, area=artifacts.AREA)
    files.store([b"of another"], 10, area="others")
    old = time.time() - 2 * 86_400
    for path in kept.rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    files.store([b"fresh"], 10, area=artifacts.AREA)
    clock.tick(orphans=False, sweep=True)
    assert on_disk(kept) == [b"fresh", b"known", b"of another"]
