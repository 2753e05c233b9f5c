"""Files beside a request: kept whole, counted, named safely, and gone with the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from orchestrator import engine, files
from orchestrator.engine import attachments, points
from orchestrator.engine.attachments import MOST_ATTACHMENTS, Upload, sweep_attachments
from orchestrator.events import verify_chain
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Approval, Attachment, Run
from orchestrator.reads.record import record_of
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.BATON = {**settings.BATON, "FILES": tmp_path / "files", "FILE_MAX_BYTES": 1000}
    return tmp_path / "files"


@pytest.fixture
def olga() -> User:
    return person("olga", "designer", "operator")


@pytest.fixture
def approval(olga: User) -> Approval:
    person("ann", "approver")
    return engine.start(engine.save_workflow(gate("ann"), user=olga), user=olga).approvals.get()


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def attach(approval: Approval, user: User, *uploads: Upload, text: str = "") -> list[Attachment]:
    return list(engine.comment(approval.pk, text, user=user, uploads=uploads).attachments.all())


def test_a_file_is_kept_beside_what_was_said(approval: Approval, olga: User, folder: Path) -> None:
    (row,) = attach(approval, olga, Upload("../Offer.pdf", [b"%PDF-1.7 ", b"..."]), text="The offer")
    assert (row.name, row.size, row.content_type) == ("Offer.pdf", 12, "application/pdf")
    with files.open_file(row.key) as handle:
        assert handle.read() == b"%PDF-1.7 ..."
    assert kept(folder) == [row.key.partition("/")[2]]
    shown = Approval.objects.select_related("run__started_by", "task_run").get(pk=approval.pk)
    line = record_of(shown).lines[-1]
    assert (line.text, line.files) == ("The offer", [row])
    event = approval.run.events.get(type="approval.commented")
    assert event.data["files"] == [{"file": row.key, "name": "Offer.pdf", "size": 12, "sha256": row.sha256}]
    run = Run.objects.get()
    assert verify_chain(run.pk, run.digest) is None


def test_an_answer_brings_files(approval: Approval, olga: User) -> None:
    engine.ask(approval.pk, "The offer?", user=User.objects.get(username="ann"))
    said = engine.answer(approval.pk, "Here.", user=olga, uploads=[Upload("offer.txt", [b"x"])])
    assert said.attachments.get().name == "offer.txt"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../x", "x"),
        ("a\0b", "ab"),
        ('x"\r\ny', 'x"y'),
        ("n" * 300, "n" * 200),
        ("見積.pdf", "見積.pdf"),
        ("", "file"),
    ],
    ids=["up", "NUL", "CRLF", "long", "kanji", "empty"],
)
def test_hostile_names(approval: Approval, olga: User, folder: Path, name: str, shown: str) -> None:
    (row,) = attach(approval, olga, Upload(name, [b"x"]))
    assert row.name == shown
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    assert path.parent.parent == folder / "attachments"


@pytest.mark.parametrize(
    ("content", "code"), [([], "file_empty"), ([b"x" * 1001], "file_too_large")], ids=["empty", "large"]
)
def test_of_several_files_all_are_kept_or_none(
    approval: Approval, olga: User, folder: Path, content: list[bytes], code: str
) -> None:
    with pytest.raises(InvalidError, match=r"“bad\.txt”") as refused:
        attach(approval, olga, Upload("good.txt", [b"x"]), Upload("bad.txt", content))
    assert refused.value.code == code
    assert kept(folder) == [] and not approval.comments.exists()


def test_no_more_than_so_many(approval: Approval, olga: User, folder: Path) -> None:
    attach(approval, olga, *(Upload(f"{n}", [b"x"]) for n in range(MOST_ATTACHMENTS - 1)))
    with pytest.raises(ConflictError, match="at most 20 files, and this one has 19"):
        attach(approval, olga, Upload("a", [b"x"]), Upload("b", [b"x"]))
    attach(approval, olga, Upload("a", [b"x"]))
    assert len(kept(folder)) == MOST_ATTACHMENTS


def test_two_at_once_do_not_go_over_the_number_together(
    approval: Approval, olga: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_ATTACHMENTS", 1)
    store = files.store

    def meanwhile(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(files, "store", store)
        attach(approval, olga, Upload("first", [b"x"]))
        return store(*given, **named)

    monkeypatch.setattr(files, "store", meanwhile)
    with pytest.raises(ConflictError):
        attach(approval, olga, Upload("second", [b"x"]))
    assert [row.name for row in approval.attachments.all()] == ["first"]
    assert len(kept(folder)) == 1


def test_what_is_not_committed_is_not_kept(approval: Approval, olga: User, folder: Path) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    points.arm("turn before commit", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            attach(approval, olga, Upload("a", [b"x"]))
    finally:
        points.disarm()
    assert kept(folder) == [] and not Attachment.objects.exists()


def test_files_go_with_the_run(approval: Approval, olga: User, folder: Path) -> None:
    attach(approval, olga, Upload("a", [b"x"]), Upload("b", [b"x"]))
    Run.objects.get().delete()
    assert kept(folder) == []


def test_a_sweep_spares_what_has_a_row(approval: Approval, olga: User, folder: Path) -> None:
    (row,) = attach(approval, olga, Upload("a", [b"x"]))
    import os

    os.utime(next(path for path in folder.rglob("*") if path.is_file()), (0, 0))
    assert sweep_attachments() == 0
    Attachment.objects.filter(pk=row.pk)._raw_delete("default")  # as a crash would leave it
    assert sweep_attachments() == 1
    assert kept(folder) == []


def test_a_conflict_leaves_no_file(approval: Approval, olga: User, folder: Path) -> None:
    ann = User.objects.get(username="ann")
    engine.ask(approval.pk, "Why?", user=ann)

    def late() -> Iterator[bytes]:
        engine.decide(approval.pk, "approve", user=ann)
        yield b"x"

    with pytest.raises(ConflictError):
        engine.answer(approval.pk, "Here.", user=olga, uploads=[Upload("a", late())])
    assert kept(folder) == []
