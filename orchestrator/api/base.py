"""What all views share: how they read, and how they page."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from orchestrator.api.fields import StrictSerializer


class ApiView(APIView):
    # Reads bodies and query strings by a serializer that refuses what it does not declare. No docstring: it would be
    # published as the description of every operation that has none.

    def body(self, envelope: type[StrictSerializer], data: Any = None) -> dict[str, Any]:
        return _checked(envelope, self.request.data if data is None else data)

    def query(self, envelope: type[StrictSerializer]) -> dict[str, Any]:
        return _checked(envelope, self.request.query_params.dict())


def _checked(envelope: type[StrictSerializer], data: Any) -> dict[str, Any]:
    serializer = envelope(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def page(
    rows: QuerySet[Any], query: dict[str, Any], serializer: type[Serializer[Any]], *, within: str = ""
) -> Response:
    """One page, newest first, by key and not by offset: it costs the same however deep, and shifts nothing.

    `within` names a column that has one value in all rows: with it the order is that of an index over both.
    """
    if "after" in query:
        rows = rows.filter(pk__lt=query["after"])
    found: list[Model] = list(rows.order_by(*([within] if within else []), "-pk")[: query["limit"] + 1])
    shown = found[: query["limit"]]
    following = shown[-1].pk if len(found) > len(shown) else None
    return Response({"items": serializer(shown, many=True).data, "next": following})
