"""What is said of a request: its record, its comments, and questions that stop its clock."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import engine
from orchestrator.api.base import ApiView, page
from orchestrator.api.fields import NothingSerializer
from orchestrator.api.openapi import operation
from orchestrator.api.parsers import RawParser
from orchestrator.api.requests import PageQuery
from orchestrator.api.talk_shapes import (
    AttachmentQuery,
    AttachmentSerializer,
    AttachmentsSerializer,
    CommentPageSerializer,
    CommentSerializer,
    NewAnswerSerializer,
    NewCommentSerializer,
    NewQuestionSerializer,
    QuestionSerializer,
    QuestionsSerializer,
    RecordSerializer,
)
from orchestrator.api.views.artifacts import ANY_BYTES, BYTES
from orchestrator.downloads import download
from orchestrator.models import Approval, Attachment
from orchestrator.permissions import Person, approvals_for
from orchestrator.reads.record import record_of


def _seen(user: Person, pk: int) -> Approval:
    return get_object_or_404(approvals_for(user).select_related("run__started_by", "task_run"), pk=pk)


class RecordView(ApiView):
    @operation("approvals_record", "Read the record", answers=RecordSerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        """Everything that happened to the request and was said of it, in the order of time."""
        return Response(RecordSerializer(record_of(_seen(request.user, pk))).data)


class CommentsView(ApiView):
    @operation(
        "approvals_comments", "List comments", answers=CommentPageSerializer, query=PageQuery, errors=(404,)
    )
    def get(self, request: Request, pk: int) -> Response:
        """Newest first."""
        query = self.query(PageQuery)
        rows = _seen(request.user, pk).comments.select_related("person")
        return page(rows, query, CommentSerializer)

    @operation(
        "approvals_comment",
        "Comment",
        answers=CommentSerializer,
        takes=NewCommentSerializer,
        errors=(404, 415),
        code=201,
    )
    def post(self, request: Request, pk: int) -> Response:
        """For everybody who may see the request, open or closed. It cannot be changed afterwards."""
        approval = _seen(request.user, pk)
        said = engine.comment(approval.pk, self.body(NewCommentSerializer)["text"], user=request.user)
        return Response(CommentSerializer(said).data, status=201)


class QuestionsView(ApiView):
    @operation("approvals_questions", "List questions", answers=QuestionsSerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        """Oldest first; the clock of the request stands while the last one is open."""
        rows = _seen(request.user, pk).questions.select_related("asked_by", "asked_of", "ended_by")
        return Response({"items": QuestionSerializer(rows, many=True).data})

    @operation(
        "approvals_ask",
        "Ask back",
        answers=QuestionSerializer,
        takes=NewQuestionSerializer,
        errors=(403, 404, 409, 415),
        code=201,
    )
    def post(self, request: Request, pk: int) -> Response:
        """For those who are asked to decide. Deadline, reminders and escalation stand until the answer."""
        approval, given = _seen(request.user, pk), self.body(NewQuestionSerializer)
        asked = engine.ask(approval.pk, given["text"], user=request.user, to=given["to"])
        return Response(QuestionSerializer(asked).data, status=201)


class AnswerView(ApiView):
    @operation(
        "approvals_answer",
        "Answer the question",
        answers=QuestionSerializer,
        takes=NewAnswerSerializer,
        errors=(403, 404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """For the person to whom it was put; the clock goes on. 409 when no question is open."""
        approval = _seen(request.user, pk)
        text = self.body(NewAnswerSerializer)["text"]
        return Response(QuestionSerializer(engine.answer(approval.pk, text, user=request.user)).data)


class WithdrawView(ApiView):
    @operation(
        "approvals_withdraw_question",
        "Withdraw the question",
        answers=QuestionSerializer,
        takes=NothingSerializer,
        errors=(403, 404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """For whoever asked, and the others who decide; the clock goes on."""
        approval = _seen(request.user, pk)
        self.body(NothingSerializer)
        return Response(QuestionSerializer(engine.withdraw_question(approval.pk, user=request.user)).data)


class AttachmentsView(ApiView):
    # What is posted here is the file itself.

    parser_classes = (RawParser,)

    @operation("approvals_attachments", "List attachments", answers=AttachmentsSerializer, errors=(404,))
    def get(self, request: Request, pk: int) -> Response:
        """Oldest first."""
        rows = _seen(request.user, pk).attachments.select_related("person")
        return Response({"items": AttachmentSerializer(rows, many=True).data})

    @operation(
        "approvals_attach",
        "Attach a file",
        answers=AttachmentSerializer,
        takes=BYTES,
        query=AttachmentQuery,
        errors=(404, 409, 413, 507),
        code=201,
    )
    def post(self, request: Request, pk: int) -> Response:
        """The body is the file, for everybody who may see the request."""
        approval, name = _seen(request.user, pk), self.query(AttachmentQuery)["name"]
        uploads = [engine.Upload(name, request.data or ())]
        said = engine.comment(approval.pk, "", user=request.user, uploads=uploads)
        return Response(AttachmentSerializer(said.attachments.get()).data, status=201)


class AttachmentView(ApiView):
    @operation(
        "approvals_attachment",
        "Download an attachment",
        answers=OpenApiTypes.BINARY,
        media=ANY_BYTES,
        errors=(404,),
    )
    def get(self, request: Request, pk: int, file: int) -> HttpResponse:
        found = get_object_or_404(Attachment, pk=file, approval=_seen(request.user, pk))
        return download(found.key, found.name, found.content_type)
