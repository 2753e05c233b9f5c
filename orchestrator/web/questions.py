"""Asking back on the page of a request, answering, and withdrawing the question."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from orchestrator import conf, engine
from orchestrator.engine.approvals import right_to_decide
from orchestrator.engine.attachments import MOST_ATTACHMENTS
from orchestrator.engine.limits import COMMENT_LENGTH
from orchestrator.exceptions import InvalidError
from orchestrator.files import in_words
from orchestrator.models import Approval, Question
from orchestrator.web.answers import go, refusals_as_pages
from orchestrator.web.uploads import uploads_of


class QuestionForm(forms.Form):
    """What somebody needs to know before they decide, and of whom."""

    question = forms.CharField(max_length=COMMENT_LENGTH, error_messages={"required": "Write what you ask."})
    to = forms.CharField(required=False, max_length=150)


class AnswerForm(forms.Form):
    """The answer to it."""

    answer = forms.CharField(
        max_length=COMMENT_LENGTH, error_messages={"required": "Write the answer first."}
    )


def question_context(request: HttpRequest, approval: Approval) -> dict[str, Any]:
    """The open question of a request, and what this person may do about it or whether they may ask one."""
    is_open = approval.status == Approval.Status.OPEN
    found = _open_question(approval) if is_open else None
    decides = is_open and right_to_decide(approval, request.user).may
    return {
        "most": in_words(conf.file_max_bytes()),
        "many": f"{MOST_ATTACHMENTS} for one request",
        "question": found,
        "may_answer": found is not None and found.asked_of_id == request.user.pk,
        "may_withdraw": found is not None and (decides or found.asked_by_id == request.user.pk),
        "may_ask": decides and found is None,
    }


def _open_question(approval: Approval) -> Question | None:
    rows = approval.questions.filter(outcome=Question.Outcome.OPEN)
    return rows.select_related("asked_by", "asked_of").first()


@require_POST
@refusals_as_pages
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, and let the clock stand."""
    given = _checked(QuestionForm(request.POST))
    try:
        asked = engine.ask(pk, given["question"], user=request.user, to=given["to"].strip())
    except InvalidError as error:
        raise InvalidError(error.message) from None  # the form has no paths
    return _back(request, pk, f"{asked.asked_of} was asked. The clock stands until the answer.")


@require_POST
@refusals_as_pages
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer, and let the clock go on."""
    given = _checked(AnswerForm(request.POST))
    engine.answer(pk, given["answer"], user=request.user, uploads=uploads_of(request))
    return _back(request, pk, "Your answer is on record, and the clock goes on.")


@require_POST
@refusals_as_pages
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the question go, and the clock go on."""
    engine.withdraw_question(pk, user=request.user)
    return _back(request, pk, "The question is withdrawn, and the clock goes on.")


def _checked(form: forms.Form) -> dict[str, Any]:
    """What was written. Raises InvalidError with what is wrong; the page then stays as it is."""
    if not form.is_valid():
        raise InvalidError(" ".join(text for texts in form.errors.values() for text in texts))
    return form.cleaned_data


def _back(request: HttpRequest, pk: int, said: str) -> HttpResponse:
    return go(request, reverse("approval-detail", args=[pk]), said)
