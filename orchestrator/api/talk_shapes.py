"""The shapes of what is said of a request."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from orchestrator.api.answers import UserNameField
from orchestrator.api.fields import StrictCharField, StrictSerializer
from orchestrator.engine.limits import COMMENT_LENGTH
from orchestrator.models import Attachment, Comment, Question


class NewCommentSerializer(StrictSerializer):
    text = StrictCharField(max_length=COMMENT_LENGTH)


class AttachmentQuery(StrictSerializer):
    name = StrictCharField(
        max_length=1000, default="", allow_blank=True, help_text="What the file is called."
    )


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    person = UserNameField(help_text="Who attached it.")
    content_type = serializers.CharField(help_text="Told by its first bytes.")

    class Meta:
        model = Attachment
        fields = ("id", "name", "size", "sha256", "content_type", "person", "at")
        read_only_fields = fields


class AttachmentsSerializer(serializers.Serializer[Any]):
    items = AttachmentSerializer(many=True)


class CommentSerializer(serializers.ModelSerializer[Comment]):
    person = UserNameField(help_text="Who wrote it.")

    class Meta:
        model = Comment
        fields = ("id", "person", "text", "at")
        read_only_fields = fields


class NewQuestionSerializer(StrictSerializer):
    text = StrictCharField(max_length=COMMENT_LENGTH)
    to = StrictCharField(
        max_length=150,
        allow_blank=True,
        default="",
        help_text="The user name of somebody who may see the run; who started it if left out.",
    )


class NewAnswerSerializer(StrictSerializer):
    text = StrictCharField(max_length=COMMENT_LENGTH)


class QuestionSerializer(serializers.ModelSerializer[Question]):
    asked_by = UserNameField()
    asked_of = UserNameField()
    ended_by = UserNameField(help_text="Who answered or withdrew it.")

    class Meta:
        model = Question
        fields = (
            "id",
            "asked_by",
            "asked_of",
            "text",
            "asked_at",
            "outcome",
            "answer",
            "ended_by",
            "ended_at",
        )
        read_only_fields = fields


class QuestionsSerializer(serializers.Serializer[Any]):
    items = QuestionSerializer(many=True)


class CommentPageSerializer(serializers.Serializer[Any]):
    next = serializers.IntegerField(
        allow_null=True, help_text="Send it as `after` for the next page; null on the last."
    )
    items = CommentSerializer(many=True)


class RecordLineSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="Its number among the events of the run.")
    type = serializers.CharField(help_text="The type of the event.")
    at = serializers.DateTimeField()
    by = serializers.SerializerMethodField(help_text="A user name; null for what Baton did.")
    for_ = serializers.CharField(source="in_place_of", help_text="In whose place, by delegation, or empty.")
    sentence = serializers.CharField(help_text="What was done, made for people.")
    text = serializers.CharField(help_text="What was written, or empty.")
    files = AttachmentSerializer(many=True)

    def get_by(self, line: Any) -> str | None:
        return line.person.get_username() if line.person else None

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        return {("for" if name == "for_" else name): field for name, field in fields.items()}


class RecordSerializer(serializers.Serializer[Any]):
    lines = RecordLineSerializer(many=True, help_text="Oldest first.")
    earlier = serializers.IntegerField(help_text="How many older ones are left out.")
