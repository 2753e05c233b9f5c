"""Rows of what is said of requests: made by the turn, in its transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from orchestrator.engine import notices
from orchestrator.models import Attachment, Comment, Question
from orchestrator.planning.board import Board
from orchestrator.planning.talk import Answered, CloseQuestion, EndQuestion, Handed, NewComment, NewQuestion


def store(boards: Sequence[Board], now: datetime) -> None:
    for board in boards:
        for talk in board.talk:
            _STORES[type(talk)](board, talk, now)
    closed = [closing.task.id for board in boards for closing in board.closed]
    if closed:
        _close_questions(closed, now)


def _comment(_board: Board, new: NewComment, now: datetime) -> None:
    said = new.said
    comment = Comment.objects.create(
        approval_id=said.approval_id, uid=said.uid, person_id=said.user_id, text=said.text, at=now
    )
    _attach(said, now, comment=comment)
    kind = notices.Kind.COMMENT
    notices.post(kind, said.approval_id, now=now, nth=comment.pk, by=said.user_id, text=said.text)


def _question(_board: Board, new: NewQuestion, now: datetime) -> None:
    said = new.said
    question = Question.objects.create(
        approval_id=said.approval_id,
        uid=said.uid,
        asked_by_id=said.user_id,
        asked_of_id=said.of_id,
        text=said.text,
        asked_at=now,
    )
    _attach(said, now, question=question)
    kind = notices.Kind.QUESTION
    notices.post(
        kind, said.approval_id, now=now, nth=question.pk, by=said.user_id, to=[said.of_id], text=said.text
    )


def _end(_board: Board, ending: EndQuestion, now: datetime) -> None:
    said = ending.said
    answered = isinstance(said, Answered)
    outcome = Question.Outcome.ANSWERED if answered else Question.Outcome.WITHDRAWN
    Question.objects.filter(uid=said.uid).update(
        outcome=outcome, answer=said.text, ended_by_id=said.user_id, ended_at=now
    )
    if not answered and not said.files:
        return
    question = Question.objects.get(uid=said.uid)
    _attach(said, now, question=question)
    if answered:
        kind = notices.Kind.ANSWER
        notices.post(kind, said.approval_id, now=now, nth=question.pk, by=said.user_id, text=said.text)


def _close(_board: Board, closing: CloseQuestion, now: datetime) -> None:
    _close_questions([closing.task.id], now)


def _close_questions(task_run_ids: Sequence[int], now: datetime) -> None:
    """Of a request that ended nobody waits for an answer."""
    open_ = Question.objects.filter(approval__task_run__in=task_run_ids, outcome=Question.Outcome.OPEN)
    open_.update(outcome=Question.Outcome.CLOSED, ended_at=now)


def _attach(said: Handed, now: datetime, **to: Any) -> None:
    Attachment.objects.bulk_create(
        Attachment(
            approval_id=said.approval_id,
            person_id=said.user_id,
            name=one.name,
            key=one.key,
            size=one.size,
            sha256=one.sha256,
            content_type=one.content_type,
            at=now,
            **to,
        )
        for one in said.files
    )


_STORES: dict[type, Callable[[Board, Any, datetime], None]] = {
    NewComment: _comment,
    NewQuestion: _question,
    EndQuestion: _end,
    CloseQuestion: _close,
}
