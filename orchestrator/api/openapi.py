"""How the OpenAPI document describes the views, the envelopes and the token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from orchestrator.api.answers import ErrorSerializer
from orchestrator.api.authentication import AgentAuthentication, TokenAuthentication
from orchestrator.api.fields import StrictSerializer

Method = TypeVar("Method", bound=Callable[..., Response])


def operation(
    name: str,
    summary: str,
    *,
    answers: Any,
    code: int = 200,
    media: str = "application/json",
    takes: Any = None,
    query: type[StrictSerializer] | None = None,
    headers: tuple[OpenApiParameter, ...] = (),
    errors: tuple[int, ...] = (),
) -> Callable[[Method], Method]:
    """Describe a method of a view; its docstring becomes the description."""
    failures = dict.fromkeys((400, 401, *errors, 503), ErrorSerializer)
    return extend_schema(
        operation_id=name,
        summary=summary,
        request=takes,
        parameters=[*([query] if query else []), *headers],
        responses={(code, media): answers, **failures},
    )


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, _: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "baton_<8>_<43>"}


class AgentTokenScheme(OpenApiAuthenticationExtension):
    target_class = AgentAuthentication
    name = "agent_token"

    def get_security_definition(self, _: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "batonagent_<8>_<43>"}


class StrictEnvelope(OpenApiSerializerExtension):
    """Says that an envelope takes nothing but what it declares."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}
