"""Fetching work, as an agent that waits does it: beside Django's request cycle, which would hold a thread for each.

The same route without waiting is `api.views.agents.ClaimView`; both read and answer by the same shapes.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http.request import split_domain_port, validate_host
from rest_framework.exceptions import ValidationError

from orchestrator import tokens
from orchestrator.agents import waiting
from orchestrator.agents.waiting import GoneError, Seat, in_database
from orchestrator.api.agent_shapes import AssignmentsSerializer, ClaimSerializer
from orchestrator.api.errors import AWAY, RETRY_AFTER_SECONDS, answer, handle
from orchestrator.database import is_away
from orchestrator.definition import DefinitionError, strict_json

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CLAIM: Final = re.compile(r"/api/agents/([a-zA-Z0-9_-]{1,80})/claim")
_LONGEST_BODY: Final = 16_384
_TOUCHED_EVERY: Final = timedelta(minutes=10)  # a thousand that ask each minute are not to write each minute


def with_long_poll(app: App) -> App:
    """The same application, with the one route on which a request may wait long."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        found = (
            _CLAIM.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        )
        if found is None:
            await app(scope, receive, send)
            return
        try:
            status, body = await _answered(scope, found[1], receive)
            await _send(send, status, body)
        except GoneError:
            return

    return serve


async def _answered(scope: Scope, key: str, receive: Receive) -> tuple[int, Any]:
    host, _ = split_domain_port(_header(scope, b"host"))
    if not validate_host(host, settings.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]):
        return _error(400, "invalid", "This server does not answer to that name.")
    try:
        known = await in_database(_asker, _header(scope, b"authorization"))
        if known is None:
            return _error(
                401, "token_invalid", "The token is not valid. Send 'Authorization: Bearer <token>'."
            )
        name, seat = known
        if name != key:
            return _error(403, "not_allowed", f"This token is that of {name}.")
        wait, most = _given(await _body(receive))
        found = await waiting.fetch(seat, wait, most, partial(_gone, receive))
        return 200, AssignmentsSerializer({"tasks": found}).data
    except (ValidationError, DefinitionError) as error:
        said = handle(error, {})
        return said.status_code, said.data
    except GoneError:
        raise
    except Exception as error:
        if is_away(error):
            return _error(503, "unavailable", AWAY)
        logger.exception("An agent could not be given work")
        return _error(500, "internal_error", "Something went wrong in Baton; its log says what.")


def _header(scope: Scope, name: bytes) -> str:
    """The last one of this name; read anew each time, for while an agent waits nothing more is kept than must be."""
    return next((value.decode("latin-1") for key, value in reversed(scope["headers"]) if key == name), "")


def _asker(header: str) -> tuple[str, Seat] | None:
    """Whose token it is, and where they may wait."""
    scheme, _, text = header.partition(" ")
    token = tokens.find_of_agent(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        return None
    tokens.touch(token, every=_TOUCHED_EVERY)
    return token.agent.key, Seat.of(token.agent)


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        body += message.get("body", b"")
        if len(body) > _LONGEST_BODY:
            raise ValidationError("The body is longer than is accepted.", code="too_large")
        if not message.get("more_body"):
            return body


def _given(body: bytes) -> tuple[float, int]:
    """How long to wait, and how many tasks to give at most."""
    shape = ClaimSerializer(data=strict_json.loads(body) if body.strip() else {})
    shape.is_valid(raise_exception=True)
    return shape.validated_data["wait"], shape.validated_data["most"]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _error(status: int, code: str, message: str) -> tuple[int, Any]:
    return status, answer(status, code, message).data


async def _send(send: Send, status: int, body: Any) -> None:
    text = json.dumps(body, cls=DjangoJSONEncoder, separators=(",", ":"), ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(text)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="Baton agents"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
