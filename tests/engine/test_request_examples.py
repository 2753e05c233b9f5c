"""The two workflows that the request gives as examples, letter by letter, from the text to the end of their runs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator import engine, worker
from orchestrator.cli import main
from orchestrator.definition import formats
from orchestrator.models import Run
from tests.engine.flows import event_types, states
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

SIMPLE = """\
{
  "name": "Simple Analysis",
  "version": "2.0.0",
  "tasks": {
    "analyze": {
      "name": "Analyze Data",
      "agent_id": "analyst",
      "action": "agent_task",
      "parameters": {
        "description": "Perform data analysis",
        "estimated_hours": 2
      }
    }
  }
}
"""
MULTI_AGENT = """\
{
  "name": "Multi-Agent Processing",
  "version": "2.0.0",
  "tasks": {
    "preprocessing": {
      "name": "Preprocess Data",
      "agent_id": "data_agent",
      "action": "agent_task",
      "execution_mode": "sequential"
    },
    "analysis_1": {
      "name": "Analysis Path 1",
      "agent_id": "analyst_1",
      "action": "agent_task",
      "execution_mode": "parallel",
      "dependencies": ["preprocessing"]
    },
    "analysis_2": {
      "name": "Analysis Path 2", 
      "agent_id": "analyst_2",
      "action": "agent_task",
      "execution_mode": "parallel",
      "dependencies": ["preprocessing"]
    },
    "synthesis": {
      "name": "Synthesize Results",
      "agent_id": "synthesizer",
      "action": "agent_task",
      "dependencies": ["analysis_1", "analysis_2"]
    }
  }
}
"""  # noqa: W291 (the space after a comma is the request's)
ANALYSES = ("analysis_1", "analysis_2")
DEMO = "orchestrator.agents.builtin.demo"


def run_to_end(text: str) -> Run:
    definition = formats.read(text, "request.json")
    assert engine.check_definition(definition).issues == ()
    run = engine.start(engine.save_workflow(definition))
    worker.Worker("here").run_until(lambda _idle: True)
    run.refresh_from_db()
    assert_invariants([run])
    return run


def seq_of(run: Run, event: str, task: str) -> int:
    """The number of the one event of this type that the task has."""
    found: int = run.events.get(type=event, task=task).seq
    return found


def test_simple_analysis_is_done_by_its_agent_with_what_it_was_given() -> None:
    run = run_to_end(SIMPLE)
    assert (run.status, states(run)) == ("completed", {"analyze": "completed"})
    analyze = run.tasks.get(key="analyze")
    assert analyze.input == {"description": "Perform data analysis", "estimated_hours": 2}
    assert analyze.output["agent"] == "analyst"
    seen = event_types(run)
    expected = ["workflow.started", "task.started", "task.completed", "workflow.completed"]
    assert [event for event in seen if event in expected] == expected


def test_the_stages_of_multi_agent_processing_follow_each_other() -> None:
    run = run_to_end(MULTI_AGENT)
    assert run.status == "completed"
    assert states(run) == dict.fromkeys(("preprocessing", *ANALYSES, "synthesis"), "completed")
    for analysis in ANALYSES:
        assert seq_of(run, "task.completed", "preprocessing") < seq_of(run, "task.started", analysis)
        assert seq_of(run, "task.completed", analysis) < seq_of(run, "task.started", "synthesis")
    ended = list(run.events.filter(type="task.completed").order_by("seq").values_list("task", flat=True))
    assert (ended[0], ended[-1]) == ("preprocessing", "synthesis")
    assert event_types(run)[-1] == "workflow.completed"


def test_both_analyses_begin_before_either_ends() -> None:
    run = run_to_end(MULTI_AGENT)
    begun = max(seq_of(run, "task.started", analysis) for analysis in ANALYSES)
    assert begun < min(seq_of(run, "task.completed", analysis) for analysis in ANALYSES)


def test_both_analyses_really_work_at_the_same_time(settings: Any) -> None:
    _meet.barrier = threading.Barrier(2, timeout=20)  # type: ignore[attr-defined]
    met = dict.fromkeys(("analyst_1", "analyst_2"), f"{__name__}._meet")
    settings.BATON = {**settings.BATON, "AGENTS": {"demo": DEMO, **met}}
    run = run_to_end(MULTI_AGENT)
    assert run.status == "completed"
    assert {key: run.tasks.get(key=key).output for key in ANALYSES} == {key: {"met": key} for key in ANALYSES}


@pytest.mark.parametrize("text", [SIMPLE, MULTI_AGENT], ids=["simple", "multi-agent"])
def test_the_command_runs_it_from_a_file(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATON_USER", raising=False)
    file = tmp_path / "request.json"
    file.write_text(text)

    def baton(*words: str) -> Any:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    key = baton("import", str(file), "--json")["id"]
    assert baton("start", key, "--wait", "--json")["status"] == "completed"
    assert {task["status"] for task in baton("status", key, "--json")["tasks"].values()} == {"completed"}


def _meet(_parameters: dict[str, Any], context: Any) -> dict[str, Any]:
    """Goes on only once the other analysis has begun too."""
    _meet.barrier.wait()  # type: ignore[attr-defined]
    return {"met": context.task}
