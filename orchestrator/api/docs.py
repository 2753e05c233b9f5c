"""The OpenAPI document, and a page that lists what is in it for people.

Both only read, so they take a browser's session as well as a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.authentication import SessionAuthentication

from orchestrator.api.authentication import TokenAuthentication

_METHODS = ("get", "post", "put", "delete")


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    authentication_classes = (TokenAuthentication, SessionAuthentication)


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[str, ...]


class DocsView(TemplateView):
    """Drawn by the server: a page that needs a script from elsewhere would break the content security policy."""

    template_name = "api/docs.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        document = SchemaGenerator().get_schema(request=None, public=True)
        return super().get_context_data(operations=list(_operations(document)), **kwargs)


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _operation(method, path, item[method])


def _operation(method: str, path: str, described: dict[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        parameters=tuple(p["name"] for p in described.get("parameters", ()) if p["in"] != "path"),
    )
