"""Where every failure becomes an answer: `{"error": {"code", "message", "issues"}}`.

`issues` says what is wrong at which path of the body or the definition; it is empty when there is nothing to point
at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from orchestrator.database import is_away
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.exceptions import BatonError

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
AWAY = "The database does not answer; try again in a moment."
UNSURE = (
    "The database went away before it said whether this was done. Look whether it was, or send it again with the same "
    "Idempotency-Key."
)
TOO_LARGE = "The body is longer than is accepted."


class ErrorBody(TypedDict):
    code: str
    message: str
    issues: list[dict[str, str]]


_CODES: dict[int, str] = {
    400: "invalid",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    429: "throttled",
}


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST Framework's exception handler: nothing raised in a view leaves in another form."""
    match error:
        case exceptions.ValidationError():
            return answer(400, "invalid", issues=list(_issues(error.detail)))
        case exceptions.APIException():
            return _of_framework(error)
        case DefinitionError():
            return _of_definition(error)
        case BatonError():
            return answer(error.status, error.code, str(error), getattr(error, "issues", ()))
        case Http404():
            return answer(404, "not_found", "There is nothing here, or you may not see it.")
        case PermissionDenied():
            return answer(403, "not_allowed", "You may not do this.")
        case RequestDataTooBig():
            return answer(413, "too_large", TOO_LARGE)
        case _ if is_away(error):
            return _unavailable(error, context)
    return _unexpected(error, context)


def answer(
    code: int,
    name: str,
    message: str = "",
    issues: Iterable[Issue] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    found = list(issues)
    body: ErrorBody = {
        "code": name,
        "message": message or _summary(found),
        "issues": [issue.as_dict() for issue in found],
    }
    return Response({"error": body}, status=code, headers=headers)


def _of_framework(error: exceptions.APIException) -> Response:
    headers = {"WWW-Authenticate": error.auth_header} if getattr(error, "auth_header", None) else {}
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    name = _CODES.get(error.status_code, "invalid")
    if isinstance(error, exceptions.AuthenticationFailed):
        name = "token_invalid"
    return answer(error.status_code, name, str(error.detail), headers=headers)


def _of_definition(error: DefinitionError) -> Response:
    if any(issue.code == "too_large" and issue.path == "$" for issue in error.issues):
        return answer(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large", str(error), error.issues)
    return answer(400, "invalid", str(error), error.issues)


def _unavailable(error: Exception, context: Mapping[str, Any]) -> Response:
    logger.warning("The database does not answer: %s", error)
    request = context.get("request")
    is_safe = request is None or request.method in SAFE_METHODS
    wait = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return answer(503, "unavailable", AWAY if is_safe else UNSURE, headers=wait)


def _unexpected(error: Exception, context: Mapping[str, Any]) -> Response:
    request = context.get("request")
    logger.error("%s %s failed", request and request.method, request and request.path, exc_info=error)
    return answer(500, "internal_error", "Something went wrong in Baton; its log says what.")


def _issues(detail: Any, path: str = "") -> Iterator[Issue]:
    """The framework's nested error details as issues with a path."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            yield from _issues(inner, _inside(path, key))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _issues(inner, path)
    else:
        yield Issue(path or "$", detail.code, str(detail))


def _inside(path: str, key: str | int) -> str:
    if key == "non_field_errors":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def _summary(issues: list[Issue]) -> str:
    return str(DefinitionError(issues)) if issues else "The request is not valid."
