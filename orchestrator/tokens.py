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

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError
from orchestrator.models import ApiToken

_SHAPE = re.compile(r"baton_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_SEEN_EVERY = timedelta(minutes=1)
MOST = 50  # that one user may have at a time


def issue(user: AbstractBaseUser, name: str, lifetime: timedelta | None = None) -> tuple[ApiToken, str]:
    """A new token of the user, and its text, which nobody can read again. Raises ConflictError beyond `MOST`."""
    if _live().filter(user=user).count() >= MOST:
        message = f"Nobody has more than {MOST} tokens; revoke one that is no longer used."
        raise ConflictError(message, code="too_many_tokens")
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
    text = f"baton_{prefix}_{secrets.token_urlsafe(32)}"
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


def touch(token: ApiToken) -> None:
    """Note that the token was used, at most once a minute: a read should not cost a write."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= _SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def revoke(token: ApiToken) -> None:
    with committing("revoke"):
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _live() -> QuerySet[ApiToken]:
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiToken.objects.filter(unexpired, revoked_at=None, user__is_active=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
