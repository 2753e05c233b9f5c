"""The look-out for runs and for requests for approval: whether those that somebody watches have moved on.

It looks five times a second. Where there is Redis the engine says so itself and looking is a slow second line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Hashable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db.models import Count, Max, Model, QuerySet

from orchestrator.events import NEWS_CHANNEL
from orchestrator.models import Approval, Approver, Question, Run, Vote
from orchestrator.reads.live import live
from orchestrator.web.lookout import Bell, LookOut, trouble_outlasted

RUNS_SECONDS = 0.2
RUNS_SECONDS_WITH_NEWS = 5.0
APPROVALS_SECONDS = 2.0

_APPROVALS: Final = "approvals"  # what their bells hang under; those of runs under the number of the run


class Hub(LookOut):
    """The look-out of one event loop."""

    channel = NEWS_CHANNEL

    def __init__(self) -> None:
        super().__init__()
        self._seqs: dict[int, int] = {}
        self._open: tuple[int, ...] | None = None
        self._rings: dict[int, int] = {}
        self._reading: dict[tuple[int, int, int], asyncio.Task[dict[str, Any]]] = {}

    def run_bell(self, run_id: int) -> AbstractContextManager[Bell]:
        """A bell for the news of one run."""
        return self.bell(run_id)

    def approvals_bell(self) -> AbstractContextManager[Bell]:
        """A bell for requests for approval, anybody's."""
        return self.bell(_APPROVALS)

    async def message(self, run_id: int, since: int) -> dict[str, Any]:
        """What a page that knows the run up to `since` is to be told; read once for all that ask the same."""
        # A reading begun before the last ring may miss what it rang for, so it is not shared with who asks after it.
        key = (run_id, since, self._rings.get(run_id, 0))
        if key not in self._reading:
            task = self._reading[key] = asyncio.create_task(_message(run_id, since))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # The reading goes on for the others when one socket closes.
        return await asyncio.shield(self._reading[key])

    def duties(self) -> Iterable[Coroutine[Any, Any, None]]:
        return self._look_at_runs(), self._look_at_approvals()

    def told(self, ids: list[int]) -> None:
        self._ring(ids)

    def forget(self, key: Hashable) -> None:
        if isinstance(key, int):
            self._seqs.pop(key, None)
            self._rings.pop(key, None)

    def _ring(self, run_ids: Iterable[int]) -> None:
        watched = [run_id for run_id in run_ids if run_id in self._bells]
        for run_id in watched:
            self._rings[run_id] = self._rings.get(run_id, 0) + 1
        self.ring(watched)

    async def _look_at_runs(self) -> None:
        while True:
            started = time.monotonic()
            if runs := [key for key in self._bells if isinstance(key, int)]:
                with trouble_outlasted():
                    seqs = await _seqs(runs)
                    self._ring(run_id for run_id, seq in seqs.items() if self._seqs.get(run_id) != seq)
                    self._seqs = seqs
            pause = RUNS_SECONDS_WITH_NEWS if self.hears_news else RUNS_SECONDS
            # A database that is slow to answer is asked less often.
            await asyncio.sleep(max(pause, time.monotonic() - started))

    async def _look_at_approvals(self) -> None:
        while True:
            if _APPROVALS in self._bells:
                with trouble_outlasted():
                    found = await _open_approvals()
                    if found != self._open:
                        self._open = found
                        self.ring([_APPROVALS])
            await asyncio.sleep(APPROVALS_SECONDS)


def hub() -> Hub:
    """The look-out of the running event loop."""
    return Hub.here()


@database_sync_to_async
def _seqs(run_ids: list[int]) -> dict[int, int]:
    return dict(Run.objects.filter(pk__in=run_ids).order_by().values_list("pk", "seq"))


@database_sync_to_async
def _open_approvals() -> tuple[int, ...]:
    """Changes whenever a request or a question about one is opened or closed, and when a request asks others or is voted on."""
    requests = Approval.objects.filter(status=Approval.Status.OPEN)
    questions = Question.objects.filter(outcome=Question.Outcome.OPEN)
    return *_number_and_last(requests), *_number_and_last(questions), _last(Approver), _last(Vote)


def _number_and_last(rows: QuerySet[Any]) -> tuple[int, int]:
    found = rows.order_by().aggregate(number=Count("pk"), last=Max("pk"))
    return found["number"], found["last"] or 0


def _last(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0


@database_sync_to_async
def _message(run_id: int, since: int) -> dict[str, Any]:
    return live(Run.objects.only("pk").get(pk=run_id), since)
