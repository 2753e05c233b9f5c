"""Small definitions, and a hand-cranked engine: a test decides what each attempt does and what time it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator import clock, engine
from orchestrator.engine import rows
from orchestrator.engine.memory import Memory
from orchestrator.engine.turn import Claim, ClaimRequest, TurnResult, take_turn
from orchestrator.models import Run, TaskRun, Workflow
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.planning.signals import AttemptSignal, Failed, Signal, Succeeded

EPOCH = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def task(*after: str, action: str = "agent_task", mode: str = "parallel", **given: Any) -> dict[str, Any]:
    """One task of a definition; by default a parallel one of the demo agent without retries."""
    return {
        "action": action,
        "agent_id": "demo",
        "dependencies": list(after),
        "execution_mode": mode,
        "retry_count": 0,
        **given,
    }


def flow(tasks: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    return {"name": "Flow", "version": "2.0.0", "tasks": dict(tasks), **given}


@dataclass
class Crank:
    """Drives runs by hand on a moving clock. Two of three turns that a worker could take are taken with one memory."""

    now: datetime = EPOCH
    held: list[Claim] = field(default_factory=list)
    workers: int = 0  # each claim is another worker's
    memory: Memory = field(default_factory=Memory)

    def start(self, definition: Mapping[str, Any], **given: Any) -> Run:
        workflow = engine.save_workflow(dict(definition))
        return self.start_of(workflow, **given)

    def start_of(self, workflow: Workflow, **given: Any) -> Run:
        return engine.start(workflow, now=self.now, **given)

    def turn(self, *signals: Signal, claim: int = 0, run: Run | None = None) -> TurnResult:
        self.workers += 1
        request = ClaimRequest(f"w{self.workers}", claim, run_id=run.pk if run else None) if claim else None
        remembering = self.workers % 3 and all(isinstance(signal, AttemptSignal) for signal in signals)
        memory = self.memory if remembering else None
        result = take_turn(signals, claiming=request, now=self.now, memory=memory)
        assert_remembered_rightly(self.memory)
        self.held += result.claims
        return result

    def claim(self, limit: int = 100) -> list[str]:
        """Claim what is ready; the labels of what was claimed."""
        return [claim.task.label for claim in self.turn(claim=limit).claims]

    def holds(self, label: str) -> Claim:
        return next(claim for claim in reversed(self.held) if claim.task.label == label)

    def succeed(self, label: str, output: Any = None) -> TurnResult:
        return self.turn(succeeded(self.holds(label), output))

    def fail(self, label: str, code: str = "broken", **given: Any) -> TurnResult:
        return self.turn(failed(self.holds(label), code, **given))

    def later(self, seconds: float) -> int:
        """Move the clock on and let it settle what is due."""
        self.now += timedelta(seconds=seconds)
        return clock.tick(self.now)

    def play(
        self, run: Run, act: Callable[[Claim], AttemptSignal] | None = None, *, steps: int = 1000
    ) -> Run:
        """Carry out everything until the run has ended or nothing is left to do."""
        for _ in range(steps):
            claimed = self.turn(claim=100).claims
            run.refresh_from_db()
            if run.status in RUN_ENDED or not claimed:
                return run
            self.turn(*[(act or succeeded)(claim) for claim in claimed])
        raise AssertionError("The run does not end.")


def assert_remembered_rightly(memory: Memory) -> None:
    """What it would use is what is stored, but for leases, which are extended beside it."""
    for run_id, known in memory._runs.items():
        if not Run.objects.filter(pk=run_id, turns=known.turns).exists():
            continue
        stored = {row.id: row for row in rows.tasks_of_run(run_id)}
        for row in known.by_id.values():
            stored[row.id].due_at = row.due_at
            assert row == stored[row.id]
        for sequential, ready in known.ready.items():
            assert all(row.status == "ready" and row.sequential == sequential for row in ready.values())


def fence(claim: Claim) -> dict[str, Any]:
    task = claim.task
    return {"run_id": task.run_id, "task_id": task.id, "claim": task.claim, "actor": f"worker:{task.worker}"}


def succeeded(claim: Claim, output: Any = None) -> Succeeded:
    return Succeeded(**fence(claim), output=output)


def failed(claim: Claim, code: str = "broken", **given: Any) -> Failed:
    return Failed(**fence(claim), error={"code": code, "message": f"It is {code}."}, **given)


def states(run: Run) -> dict[str, str]:
    """Status by task, items as key[index]."""
    rows = TaskRun.objects.filter(run=run)
    return {row.key if row.index < 0 else f"{row.key}[{row.index}]": row.status for row in rows}


def event_types(run: Run) -> list[str]:
    return list(run.events.order_by("seq").values_list("type", flat=True))
