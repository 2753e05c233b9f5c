"""Real workflows: recorded runs of science, read from WfFormat and carried by the real engine."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator import engine, worker
from orchestrator.cli import main
from orchestrator.definition import formats
from orchestrator.models import Run
from tests.engine.flows import states
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("BATON_WFCOMMONS") or ROOT.parent / "shared" / "data" / "wfcommons")
# File and number of tasks, as they are published.
RECORDED = {
    "bacass-dirt02-001.json": 11,
    "epigenomics-chameleon-hep-1seq-100k-001.json": 41,
    "blast-chameleon-small-001.json": 43,
    "1000genome-chameleon-2ch-100k-001.json": 52,
    "montage-chameleon-2mass-005d-001.json": 58,
    "rnaseq-dirt02-001.json": 197,
    "montage-chameleon-2mass-03d-001.json": 748,
}


def recorded(name: str) -> Path:
    """The file, or the test is skipped: the files are not part of the project."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(
            f"{path} is not there; set BATON_WFCOMMONS to a folder with the WfInstances of wfcommons.org"
        )
    return path


def imported(path: Path) -> dict[str, Any]:
    return formats.read(path.read_bytes(), path.name)


def edges_of(path: Path) -> set[tuple[str, str]]:
    """Parent and child of each edge by the names of the file, whichever of its two ends tells of it."""
    tasks = json.loads(path.read_text())["workflow"]["specification"]["tasks"]
    down = {(task["id"], child) for task in tasks for child in task["children"]}
    return down | {(parent, task["id"]) for task in tasks for parent in task["parents"]}


@pytest.mark.parametrize(("name", "count"), RECORDED.items(), ids=RECORDED)
def test_a_recorded_workflow_is_valid_and_keeps_every_task_and_edge(name: str, count: int) -> None:
    path = recorded(name)
    definition = imported(path)
    assert engine.check_definition(definition).issues == ()
    tasks = definition["tasks"]
    assert len(tasks) == count
    names = {key: task["name"] for key, task in tasks.items()}
    edges = {(names[one], names[key]) for key, task in tasks.items() for one in task["dependencies"]}
    assert edges == edges_of(path)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_workflow_runs_to_its_end_with_each_task_once(name: str) -> None:
    definition = imported(recorded(name))
    run = engine.start(engine.save_workflow(definition), {"time_scale": 0})
    worker.Worker("here").run_until(lambda _idle: True)
    run.refresh_from_db()
    assert run.status == "completed", run.error
    assert states(run) == dict.fromkeys(definition["tasks"], "completed")
    for event in ("task.started", "task.completed"):
        seen = Counter(run.events.filter(type=event).values_list("task", flat=True))
        assert seen == dict.fromkeys(definition["tasks"], 1), event
    assert_invariants([run])


def test_a_recorded_workflow_is_imported_and_run_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATON_USER", raising=False)
    path = recorded("epigenomics-chameleon-hep-1seq-100k-001.json")

    def baton(*words: str) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
        return result

    key = json.loads(baton("import", str(path), "--json").stdout)["id"]
    answer = json.loads(baton("start", key, "--wait", "--json").stdout)
    assert answer["status"] == "completed"
    run = Run.objects.get()
    assert set(states(run).values()) == {"completed"}
    assert run.tasks.count() == RECORDED[path.name]
    assert_invariants([run])
