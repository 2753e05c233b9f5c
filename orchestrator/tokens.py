"""API tokens: `baton_<8 characters>_<43 characters>`, shown once, kept only as a prefix and a SHA-256.

A slow hash is for passwords; 32 random bytes cannot be guessed, so a fast one does. The prefix finds the row, the
digest is compared in constant time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from orchestrator.engine import agents
from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError
from orchestrator.models import Agent, AgentToken, ApiToken

_SHAPE = re.compile(r"baton_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_AGENT_SHAPE = re.compile(r"batonagent_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_SEEN_EVERY = timedelta(minutes=1)
MOST = 50  # that one user may have at a time


def issue(user: AbstractBaseUser, name: str, lifetime: timedelta | None = None) -> tuple[ApiToken, str]:
    """A new token of the user, and its text, which nobody can read again. Raises ConflictError beyond `MOST`."""
    if _live().filter(user=user).count() >= MOST:
        message = f"Nobody has more than {MOST} tokens; revoke one that is no longer used."
        raise ConflictError(message, code="too_many_tokens")
    prefix, text = _made("baton")
    expires_at = timezone.now() + lifetime if lifetime else None
    with committing("token"):
        token = ApiToken.objects.create(
            user=user, name=name, prefix=prefix, digest=_digest(text), expires_at=expires_at
        )
    return token, text


def find(text: str) -> ApiToken | None:
    """The live token with this text, of a user who may sign in."""
    shape = _SHAPE.fullmatch(text)
    if not shape:
        return None
    token = _live().select_related("user").filter(prefix=shape[1]).first()
    if token is None or not constant_time_compare(token.digest, _digest(text)):
        return None
    return token


def touch(token: ApiToken | AgentToken, every: timedelta = _SEEN_EVERY) -> None:
    """Note that the token was used, at most once a minute or `every` so often: a read should not cost a write."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= every:
        type(token).objects.filter(pk=token.pk).update(last_used_at=now)


def issue_for_agent(agent: Agent, name: str = "") -> tuple[AgentToken, str]:
    """A new token of the agent, and its text. It opens the routes for agents and no other."""
    if agent.tokens.filter(revoked_at=None).count() >= MOST:
        message = f"No agent has more than {MOST} tokens; revoke one that is no longer used."
        raise ConflictError(message, code="too_many_tokens")
    prefix, text = _made("batonagent")
    with committing("agent token"):
        token = AgentToken.objects.create(agent=agent, name=name, prefix=prefix, digest=_digest(text))
    return token, text


def register_agent(key: str, **given: Any) -> tuple[Agent, AgentToken, str]:
    """A new agent with its first token, both or neither; raises what `agents.register` raises."""
    with committing("agent and token"):
        agent = agents.register(key, **given)
        token, text = issue_for_agent(agent)
    return agent, token, text


def find_of_agent(text: str) -> AgentToken | None:
    """The live token of an agent with this text."""
    shape = _AGENT_SHAPE.fullmatch(text)
    if not shape:
        return None
    token = AgentToken.objects.select_related("agent").filter(prefix=shape[1], revoked_at=None).first()
    if token is None or not constant_time_compare(token.digest, _digest(text)):
        return None
    return token


def revoke(token: ApiToken | AgentToken) -> None:
    """It opens nothing from the next request on."""
    with committing("revoke"):
        type(token).objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _live() -> QuerySet[ApiToken]:
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiToken.objects.filter(unexpired, revoked_at=None, user__is_active=True)


def _made(kind: str) -> tuple[str, str]:
    """A prefix that finds the row, and the whole text."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
    return prefix, f"{kind}_{prefix}_{secrets.token_urlsafe(32)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
