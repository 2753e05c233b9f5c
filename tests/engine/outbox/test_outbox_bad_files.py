"""Whatever lies in the place of the file: nothing crashes, nothing leads out, and other agents go on."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.outbox import folder, postman, visit
from orchestrator.agents.outbox.postman import Postman
from orchestrator.engine import agents
from orchestrator.models import Agent
from tests.engine.outbox.desks import Desk, output_of, start, statuses

pytestmark = pytest.mark.django_db(transaction=True)


def _half(desk: Desk) -> None:
    desk.path.write_text(desk.path.read_text()[:-20])


def _duplicate_keys(desk: Desk) -> None:
    desk.path.write_text('{"tasks": [], "history": [], "tasks": []}')


def _huge(desk: Desk) -> None:
    os.truncate(desk.path, 100 * 1024 * 1024)


def _symlink(desk: Desk) -> None:
    target = desk.path.with_name("elsewhere.json")
    desk.path.rename(target)
    desk.path.symlink_to(target)


def _pipe(desk: Desk) -> None:
    desk.path.unlink()
    os.mkfifo(desk.path)


def _folder(desk: Desk) -> None:
    desk.path.unlink()
    desk.path.mkdir()
    (desk.path / "inside").write_text("x")


def _hard_link(desk: Desk) -> None:
    os.link(desk.path, desk.path.with_name("second.json"))


BAD: dict[str, tuple[Callable[[Desk], Any], str]] = {
    "half-written": (_half, "This is not JSON"),
    "not JSON": (lambda desk: desk.path.write_text("status: done"), "This is not JSON"),
    "empty": (lambda desk: desk.path.write_bytes(b""), "empty"),
    "not UTF-8": (lambda desk: desk.path.write_bytes(b'{"a": "\xff"}'), "not UTF-8"),
    "keys given twice": (_duplicate_keys, "more than once"),
    "too deep": (lambda desk: desk.path.write_text("[" * 100_000), "deep"),
    "not an outbox": (
        lambda desk: desk.path.write_text('{"tasks": {}, "history": []}'),
        "tasks must be a list",
    ),
    "100 MB": (_huge, "at most 16,777,216"),
    "a symbolic link": (_symlink, "symbolic link"),
    "a pipe": (_pipe, "a pipe"),
    "a folder": (_folder, "a folder"),
    "a hard link": (_hard_link, "second name"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_set_aside_with_the_reason_and_others_go_on(
    ann: Desk, hire: Callable[..., Desk], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, walk = hire("bob"), Postman()
    run, other = start("a"), start("b", agent="bob")
    walk.look()
    ann.edit(status="in_progress", mine=1)
    walk.look()
    spoil, reason = BAD[name]
    spoil(ann)
    bob.edit(status="completed")
    monkeypatch.setattr(visit, "PATIENCE", 0.0)
    walk.look()
    assert statuses(other) == {"b": "completed"}
    reasons = list((ann.path.parent / "rejected").glob("*.reason.txt"))
    assert len(reasons) == 1
    assert reason in reasons[0].read_text()
    assert os.path.lexists(str(reasons[0]).removesuffix(".reason.txt"))
    content = ann.read()
    assert (content["tasks"][0]["mine"], content["tasks"][0]["status"]) == (1, "in_progress")
    ann.edit(status="completed")
    walk.look()
    assert statuses(run) == {"a": "completed"}


def test_a_half_written_file_is_waited_for(ann: Desk) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    ann.edit(status="completed")
    whole = ann.path.read_text()
    ann.path.write_text(whole[:-20])
    assert walk.look() == 0
    assert statuses(run) == {"a": "running"}
    assert ann.path.read_text() == whole[:-20]
    ann.path.write_text(whole)
    walk.look()
    assert statuses(run) == {"a": "completed"}
    assert ann.rejected == []


def test_the_same_file_twice_counts_once(ann: Desk) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    ann.edit(status="completed", output=1)
    once = ann.read()
    walk.look()
    settled = ann.read()
    ann.write(once)
    walk.look()
    assert output_of(run) == 1
    assert run.events.filter(type="task.completed").count() == 1
    assert not run.events.filter(type="outcome.refused").exists()
    again = ann.read()
    assert again["tasks"] == []
    assert [one["status"] for one in again["history"]] == [one["status"] for one in settled["history"]]


def test_ids_that_baton_did_not_give_are_left_alone_and_told_once(
    ann: Desk, hire: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    bob, walk = hire("bob"), Postman()
    run, other = start("a"), start("b", agent="bob")
    walk.look()
    foreign = bob.read()["tasks"][0]  # of somebody else
    content = ann.read()
    content["tasks"] += [{**foreign, "status": "completed"}, {"task_id": "mine", "status": "completed"}]
    ann.write(content)
    caplog.set_level(logging.INFO, "orchestrator")
    walk.look()
    walk.look()
    assert [one["task_id"] for one in ann.read()["tasks"]][1:] == [foreign["task_id"], "mine"]
    assert statuses(run) | statuses(other) == {"a": "running", "b": "running"}
    assert caplog.text.count("which Baton did not give it") == 2


def test_a_file_that_was_deleted_is_written_anew(ann: Desk) -> None:
    start("a")
    walk = Postman()
    walk.look()
    ann.edit(mine=1)
    walk.look()
    ann.path.unlink()
    walk.look()
    assert ann.read()["tasks"][0]["mine"] == 1
    ann.path.unlink()
    Postman().look()
    assert ann.tasks() == ["a"]


def test_a_file_is_for_its_owner_alone_unless_it_was_opened_to_others(ann: Desk) -> None:
    start("a")
    walk = Postman()
    walk.look()
    assert ann.path.stat().st_mode & 0o777 == 0o600
    ann.path.chmod(0o660)
    start("b")
    walk.look()
    assert ann.path.stat().st_mode & 0o777 == 0o660


def test_without_the_permission_nothing_is_given_and_it_is_told_once(
    ann: Desk,
    hire: Callable[..., Desk],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bob, walk = hire("bob"), Postman()
    walk.look()
    opened = folder.enter

    def refuse(above: int, name: str) -> int:
        if name == "ann":
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return opened(above, name)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "enter", refuse)
        run, other = start("a"), start("b", agent="bob")
        walk.look()
        walk.look()
        assert (statuses(run), statuses(other)) == ({"a": "waiting"}, {"b": "running"})
        assert caplog.text.count("Permission denied: ann") == 1
    walk.look()
    assert ann.tasks() == ["a"]
    assert bob.tasks() == ["b"]


@pytest.mark.parametrize("spoil", ["link", "file"])
def test_a_folder_that_is_none_is_not_entered(
    ann: Desk, tmp_path: Path, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    ann.path.parent.parent.mkdir()
    if spoil == "link":
        (tmp_path / "outside").mkdir()
        ann.path.parent.symlink_to(tmp_path / "outside")
    else:
        ann.path.parent.write_text("x")
    run = start("a")
    assert Postman().look() == 0
    assert statuses(run) == {"a": "waiting"}
    assert not list((tmp_path / "outside").glob("*"))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("key", ["..", "../evil", "a/b", "/tmp/evil", "", ".", "a\x00b"])
def test_no_key_of_an_agent_leads_out_of_the_postbox(postbox: Path, key: str) -> None:
    Agent.objects.create(key="x", name="X", transport="outbox")
    agent = Agent(pk=Agent.objects.get().pk, key=key, name="X", transport="outbox")
    walk = Postman()
    walk._boxes = {agent.pk: postman.Box(key)}
    assert walk._guarded(agent) is False
    assert [path.name for path in postbox.parent.rglob("*") if path.name != "postbox"] == []


@pytest.mark.timeout(20)
def test_a_lock_that_is_held_is_not_waited_for_long(
    ann: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    walk = Postman()
    walk.look()
    monkeypatch.setattr(folder, "LOCK_SECONDS", 0.0)
    with (ann.path.parent / "outbox.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        start("a")
        walk.look()
        assert "held by somebody else" in caplog.text
    assert ann.tasks() == []
    walk.look()
    assert ann.tasks() == ["a"]


@pytest.mark.parametrize("name", ["outbox.lock", ".outbox.json.replaced", "rejected"])
@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_lies_in_the_way_of_batons_own_files_makes_no_crash_and_no_way_out(
    ann: Desk, hire: Callable[..., Desk], tmp_path: Path, name: str, kind: str
) -> None:
    bob, walk = hire("bob"), Postman()
    walk.look()
    secret = tmp_path / "secret"
    secret.write_text("untouched")
    place = ann.path.parent / name
    if place.exists():
        place.unlink()
    {"folder": place.mkdir, "link": lambda: place.symlink_to(secret), "pipe": lambda: os.mkfifo(place)}[
        kind
    ]()
    run, other = start("a"), start("b", agent="bob")
    ann.path.write_text("")
    for _ in range(3):
        walk.look()
    assert secret.read_text() == "untouched"
    assert statuses(other) == {"b": "running"}
    assert bob.tasks() == ["b"]
    assert statuses(run)["a"] in ("waiting", "running")


def test_agents_over_http_have_no_file(postbox: Path) -> None:
    agents.register("carl")
    assert Postman().look() == 0
    assert not postbox.exists()


def test_no_file_is_made_where_a_link_in_the_place_of_the_lock_leads(ann: Desk, tmp_path: Path) -> None:
    ann.path.parent.mkdir(parents=True)
    (ann.path.parent / "outbox.lock").symlink_to(tmp_path / "elsewhere")
    Postman().look()
    assert not (tmp_path / "elsewhere").exists()
