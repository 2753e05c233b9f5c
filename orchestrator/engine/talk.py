"""What people say of a request besides deciding it: comments, and questions that stop its clock."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from orchestrator.definition.issues import Issue, show
from orchestrator.engine import attachments
from orchestrator.engine.approvals import right_to_decide
from orchestrator.engine.lifecycle import actor_of
from orchestrator.engine.limits import COMMENT_LENGTH, check_text
from orchestrator.engine.points import reached
from orchestrator.engine.redaction import redacted
from orchestrator.engine.turn import take_turn
from orchestrator.engine.uploads import Upload
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError, NotFoundError
from orchestrator.models import Approval, Comment, Question
from orchestrator.permissions import approvals_for, runs_for
from orchestrator.planning.signals import TaskSignal
from orchestrator.planning.talk import Answered, Asked, Commented, Withdrew


def comment(
    approval_id: int,
    text: str,
    *,
    user: User,
    uploads: Sequence[Upload] = (),
    now: datetime | None = None,
) -> Comment:
    """Say something of a request that this person may see, open or closed, or put files beside it; it stays for good.

    Raises NotFoundError when they may not see it, InvalidError when there is nothing in it or too much, and what
    `attachments.keeping` raises.
    """
    approval = _seen(approval_id, user)
    said = _said(approval, text, "comment", user, may_be_empty=bool(uploads))
    with attachments.keeping(approval, uploads) as facts:
        _tell(Commented(**said, files=facts), now)
    return Comment.objects.select_related("person").get(uid=said["uid"])


def ask(approval_id: int, text: str, *, user: User, to: str = "", now: datetime | None = None) -> Question:
    """Put a question to the user called `to`, or to who started the run; the clock of the request stands until the answer.

    Raises NotAllowedError unless this person is one of those asked to decide, InvalidError when there is nobody to answer,
    ConflictError when the request is closed or a question is open already.
    """
    approval = _seen(approval_id, user)
    if not right_to_decide(approval, user).may:
        text_ = (
            "Only those who decide on this request ask questions that stop its clock. You may comment on it."
        )
        raise NotAllowedError(text_)
    of = _asked_of(approval, to, user)
    said = _said(approval, text, "question", user)
    names: dict[str, Any] = {
        "username": user.get_username(),
        "of_id": of.pk,
        "of_username": of.get_username(),
    }
    reached("ask before turn")
    _tell(Asked(**said, **names), now)
    return _question(uid=said["uid"])


def answer(
    approval_id: int,
    text: str,
    *,
    user: User,
    uploads: Sequence[Upload] = (),
    now: datetime | None = None,
) -> Question:
    """Answer the open question of a request; its clock goes on. Raises NotAllowedError unless it was put to this person."""
    approval = _seen(approval_id, user)
    question = _open_question(approval)
    if question.asked_of_id != user.pk:
        raise NotAllowedError(f"The question was put to {question.asked_of}, who answers it.")
    said = _said(approval, text, "answer", user) | {"uid": str(question.uid)}
    with attachments.keeping(approval, uploads) as facts:
        _tell(Answered(**said, files=facts), now)
    return _question(pk=question.pk)


def withdraw_question(approval_id: int, *, user: User, now: datetime | None = None) -> Question:
    """Let the open question go without an answer; the clock goes on. For whoever asked, and the others who decide."""
    approval = _seen(approval_id, user)
    question = _open_question(approval)
    if question.asked_by_id != user.pk and not right_to_decide(approval, user).may:
        raise NotAllowedError(f"{question.asked_by} asked; they withdraw it, or somebody else who decides.")
    _tell(Withdrew(**_from(approval, user), uid=str(question.uid), text=""), now)
    return _question(pk=question.pk)


def _seen(approval_id: int, user: User) -> Approval:
    found = approvals_for(user).select_related("run__started_by").filter(pk=approval_id).first()
    if found is None:
        raise NotFoundError(f"There is no request {approval_id}, or you may not see it.")
    return found


def _asked_of(approval: Approval, to: str, user: User) -> User:
    """Whom the question is for. A name that does not exist and one that may not see the run are refused alike."""
    found = User.objects.filter(username=to, is_active=True).first() if to else approval.run.started_by
    if not to and (found is None or not found.is_active):
        raise _no_answerer("Nobody who is here started this run; name whom you ask.")
    if found is None or (to and not _sees(found, approval)):
        raise _no_answerer(f"There is nobody called {show(to)} who may see this run; check the user name.")
    if found.pk == user.pk:
        raise _no_answerer("You cannot ask yourself; name somebody else.")
    return found


def _sees(person: User, approval: Approval) -> bool:
    is_starter = approval.run.started_by_id == person.pk
    return is_starter or runs_for(person).filter(pk=approval.run_id).exists() or _seen_by(person, approval)


def _seen_by(person: User, approval: Approval) -> bool:
    return approvals_for(person).filter(pk=approval.pk).exists()


def _no_answerer(message: str) -> InvalidError:
    return InvalidError(message, [Issue("to", "nobody_to_ask", message)], code="nobody_to_ask")


def _open_question(approval: Approval) -> Question:
    rows = approval.questions.select_related("asked_by", "asked_of")
    found = rows.filter(outcome=Question.Outcome.OPEN).first()
    if found is None:
        raise ConflictError("No question is open on this request.", code="no_question")
    return found


def _question(**which: Any) -> Question:
    return Question.objects.select_related("asked_by", "asked_of", "ended_by").get(**which)


def _said(
    approval: Approval, text: str, name: str, user: User, *, may_be_empty: bool = False
) -> dict[str, Any]:
    """What a signal of this kind carries."""
    check_text(text, name, COMMENT_LENGTH)
    text = redacted(text.strip(), approval.run)
    if not text and not may_be_empty:
        raise InvalidError(f"The {name} is empty. Write something.", code="empty")
    return {**_from(approval, user), "uid": str(uuid.uuid4()), "text": text}


def _from(approval: Approval, user: User) -> dict[str, Any]:
    return {
        "run_id": approval.run_id,
        "task_id": approval.task_run_id,
        "approval_id": approval.pk,
        "epoch": approval.epoch,
        "actor": actor_of(user),
        "user_id": user.pk,
    }


def _tell(signal: TaskSignal, now: datetime | None) -> None:
    result = take_turn([signal], now=now)
    if problems := result.conflicts.get(signal.run_id):
        raise ConflictError(problems[0])
