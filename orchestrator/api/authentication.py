"""Authentication by `Authorization: Bearer <token>`; never by a query parameter, which ends up in logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from orchestrator import tokens
from orchestrator.models import AgentToken, ApiToken

Token = TypeVar("Token", ApiToken, AgentToken)


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiToken] | None:
        """The token's user; None, an anonymous caller, when there is no header at all."""
        token = _presented(request, tokens.find)
        return (token.user, token) if token else None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return 'Bearer realm="Baton"'


class AgentAuthentication(BaseAuthentication):
    """Of agents, who are nobody's account: their tokens open the routes for agents and no other."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, AgentToken] | None:
        token = _presented(request, tokens.find_of_agent)
        return (AnonymousUser(), token) if token else None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return 'Bearer realm="Baton agents"'


def _presented(request: Request, find: Callable[[str], Token | None]) -> Token | None:
    """The token in the header; None when there is no header at all."""
    scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
    if not scheme:
        return None
    token = find(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        # One answer for unknown, expired and revoked: which of them it is helps only a thief.
        raise AuthenticationFailed(
            "The token is not valid. Send 'Authorization: Bearer <token>'.", "token_invalid"
        )
    tokens.touch(token)
    return token
