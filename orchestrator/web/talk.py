"""What people say of a request on its page: comments, and the record they stand in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orchestrator import engine
from orchestrator.downloads import download
from orchestrator.engine.limits import COMMENT_LENGTH
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Approval, Attachment
from orchestrator.permissions import approvals_for
from orchestrator.reads.record import record_of
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages, wants_part
from orchestrator.web.questions import question_context
from orchestrator.web.uploads import uploads_of


class CommentForm(forms.Form):
    """A few words for everybody who sees the request."""

    comment = forms.CharField(
        required=False,
        max_length=COMMENT_LENGTH,
        label="Comment",
        widget=forms.Textarea(attrs={"class": "input", "rows": 2}),
        help_text="Everybody who sees this request reads it. It cannot be changed afterwards.",
    )


def talk_context(request: HttpRequest, approval: Approval, form: CommentForm | None = None) -> dict[str, Any]:
    """What the history of a request and the form below it are drawn from."""
    return {
        "approval": approval,
        **question_context(request, approval),
        "record": record_of(approval),
        "comment_form": form or CommentForm(auto_id="say-%s"),
    }


@require_POST
@refusals_as_pages
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Say something; with scripts the history comes back with it, and an empty form."""
    approval = _seen(request, pk)
    form = CommentForm(request.POST, auto_id="say-%s")
    if not (form.is_valid() and _said(form, approval, request)):
        return _again(request, approval, form)
    if not wants_part(request):
        return go(request, f"{reverse('approval-detail', args=[pk])}#talk", "Your comment is on record.")
    return answer(request, "approvals/_talk.html", talk_context(request, approval))


def _said(form: CommentForm, approval: Approval, request: HttpRequest) -> bool:
    """Whether it was taken; what is wrong stands beside the field."""
    try:
        given = form.cleaned_data["comment"]
        engine.comment(approval.pk, given, user=request.user, uploads=uploads_of(request))
    except (InvalidError, ConflictError) as error:
        form.add_error("comment", error.message)
        return False
    return True


@require_safe
@never_cache
@refusals_as_pages
def attachment(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """A file beside a request, to be saved."""
    found = get_object_or_404(Attachment, pk=file, approval=_seen(request, pk))
    return download(found.key, found.name, found.content_type)


def _again(request: HttpRequest, approval: Approval, form: CommentForm) -> HttpResponse:
    if not wants_part(request):
        raise InvalidError(" ".join(form.errors["comment"]))
    context = talk_context(request, approval, form)
    return answer(request, "approvals/_talk.html", context, status=UNPROCESSABLE)


def _seen(request: HttpRequest, pk: int) -> Approval:
    rows = approvals_for(request.user).select_related("run__started_by", "task_run")
    return get_object_or_404(rows, pk=pk)
