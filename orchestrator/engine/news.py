"""The signal by which a turn says what it has committed, without knowing who listens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.dispatch import Signal

from orchestrator.planning.board import Board
from orchestrator.planning.machine import RUN_ENDED

# Arguments: news (runs with new events), ended (runs that ended and have a parent), abandoned (children to cancel).
committed = Signal()


def send_after_commit(boards: Sequence[Board]) -> None:
    news = [board.run.id for board in boards if board.events]
    ended = [board.run.id for board in boards if board.run.parent_id and board.run.status in RUN_ENDED]
    abandoned = [child for board in boards for child in board.abandoned_children]
    if news or ended or abandoned:
        send = partial(committed.send_robust, sender=None, news=news, ended=ended, abandoned=abandoned)
        transaction.on_commit(send, robust=True)
