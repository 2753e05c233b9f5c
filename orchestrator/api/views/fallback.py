"""What answers where there is no route, in the language of the API."""

from __future__ import annotations

from django.http import Http404, HttpResponseBase
from django.urls import Resolver404, resolve
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator.api.base import ApiView


@extend_schema(exclude=True)
class FallbackView(ApiView):
    """404 with a JSON body; a path that is right but for a slash at its end is led to the right one."""

    def get(self, request: Request) -> HttpResponseBase:
        path = request.path_info
        if not path.endswith("/") or not _exists(path.rstrip("/")):
            raise Http404
        query = request.META.get("QUERY_STRING", "")
        # 308, unlike 301, has the client repeat the same method with the same body.
        location = request.path.rstrip("/") + (f"?{query}" if query else "")
        return Response(status=308, headers={"Location": location})

    post = put = patch = delete = get


def _exists(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "cls", None) is not FallbackView
    except Resolver404:
        return False
