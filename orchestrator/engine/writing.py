"""What a turn decided, written: rows, events with their numbers and digests, requests for approval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from orchestrator.engine import approvals_store, rows, talk_store
from orchestrator.engine.columns import time_out
from orchestrator.events import Chain
from orchestrator.models import TaskRun
from orchestrator.planning.board import Board
from orchestrator.planning.state import NewEvent, RunState, TaskState

Step = Callable[[Board], None]


def write(boards: Sequence[Board], now: datetime) -> None:
    """Write every board. The caller holds the runs' locks in an open transaction."""
    _remove(row for board in boards for row in board.removed_items)
    changed = [row for board in boards for row in board.changed.values()]
    rows.save_tasks([row for row in changed if row.id])
    rows.insert_tasks([row for row in changed if not row.id])
    rows.insert_events([row for board in boards for row in _event_rows(board.run, board.events, now)])
    rows.save_runs([board.run for board in boards])
    approvals_store.store(boards, now)
    talk_store.store(boards, now)


def _remove(items: Iterable[TaskState]) -> None:
    ids = [row.id for row in items if row.id]
    if ids:
        TaskRun.objects.filter(pk__in=ids).delete()


def _event_rows(run: RunState, events: Sequence[NewEvent], now: datetime) -> list[tuple[Any, ...]]:
    """Number and chain the events; the run carries the last number and digest on."""
    if not events:
        return []
    at = time_out(now)
    chain = Chain(run.id, run.seq, run.digest, now)
    written = [
        (run.id, seq, type_, task, index, actor, at, data, digest)
        for seq, type_, task, index, actor, data, digest in (
            chain.add(event.type, event.task, event.index, event.actor, event.data) for event in events
        )
    ]
    run.seq, run.digest = chain.seq, chain.digest
    return written
