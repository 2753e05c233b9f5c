"""What all views share: how they are described, how they read, how they page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from orchestrator.api.answers import ErrorSerializer
from orchestrator.api.fields import StrictSerializer

Envelope = type[StrictSerializer]
Decorated = TypeVar("Decorated", bound=Callable[..., Response])
_READS = {"GET", "HEAD"}


class ApiView(APIView):
    """Reads bodies and query strings by a serializer that refuses what it does not declare."""

    def body(self, envelope: Envelope, data: Any = None) -> dict[str, Any]:
        return _checked(envelope, self.request.data if data is None else data)

    def query(self, envelope: Envelope) -> dict[str, Any]:
        return _checked(envelope, self.request.query_params.dict())


def _checked(envelope: Envelope, data: Any) -> dict[str, Any]:
    serializer = envelope(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def page(rows: QuerySet[Any], query: dict[str, Any], serializer: type[Serializer[Any]]) -> Response:
    """One page, newest first, by key and not by offset: it costs the same however deep, and shifts nothing."""
    if "after" in query:
        rows = rows.filter(pk__lt=query["after"])
    found: list[Model] = list(rows.order_by("-pk")[: query["limit"] + 1])
    shown = found[: query["limit"]]
    following = shown[-1].pk if len(found) > len(shown) else None
    return Response({"items": serializer(shown, many=True).data, "next": following})


def operation(
    name: str,
    summary: str,
    *,
    answers: Any,
    code: int = 200,
    takes: Any = None,
    query: Envelope | None = None,
    errors: tuple[int, ...] = (),
    headers: tuple[OpenApiParameter, ...] = (),
) -> Callable[[Decorated], Decorated]:
    """Describe a view method for the OpenAPI document; its docstring becomes the description."""
    failures = dict.fromkeys((400, 401, *errors, 503), ErrorSerializer)
    return extend_schema(
        operation_id=name,
        summary=summary,
        request=takes,
        parameters=[*([query] if query else []), *headers],
        responses={code: answers, **failures},
    )


class StrictSchema(OpenApiSerializerExtension):
    """Says in the OpenAPI document that an envelope takes nothing else."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


__all__ = ["ApiView", "Request", "Response", "operation", "page"]
