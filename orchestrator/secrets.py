"""Encryption of secrets and secret parameters, and their removal from whatever is stored or shown.

A ciphertext is bound to its place: the name of what it belongs to is sealed in with the value, so that a row copied
elsewhere does not decrypt there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from orchestrator import conf

MASK = "••••••••"
SEALED = "$sealed"
_SHORTEST_REDACTED = 4


class SecretError(Exception):
    """A secret cannot be read: the key that sealed it is missing or it was sealed for another place."""


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in conf.encryption_keys()])


def seal(value: Any, place: str) -> str:
    """Encrypt a JSON value for `place`, such as `secret:crm` or `run:region`."""
    return _fernet().encrypt(json.dumps({"place": place, "value": value}).encode()).decode()


def unseal(token: str, place: str) -> Any:
    """Decrypt what `seal` made for the same place. Raises SecretError."""
    try:
        content = json.loads(_fernet().decrypt(token.encode()))
    except InvalidToken:
        raise SecretError(
            f"{place} was encrypted with a key that is not configured; restore it in BATON_ENCRYPTION_KEYS."
        ) from None
    if content["place"] != place:
        raise SecretError(f"{place} holds a value that was encrypted for something else.")
    return content["value"]


def is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {SEALED}


def mask(value: Any) -> Any:
    """The value with every sealed part replaced by dots."""
    if is_sealed(value):
        return MASK
    if isinstance(value, dict):
        return {key: mask(item) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item) for item in value]
    return value


def digest_key() -> bytes:
    """The key of the event chain, derived from the oldest encryption key so that rotation keeps chains verifiable."""
    return _chain_key(conf.encryption_keys()[-1])


@lru_cache(maxsize=8)
def _chain_key(encryption_key: str) -> bytes:
    return hashlib.sha256(b"baton-event-chain:" + encryption_key.encode()).digest()


def keyed_digest(key: bytes, *parts: bytes) -> str:
    return hmac.digest(key, b"\x1f".join(parts), "sha256").hex()


class Redactor:
    """Takes the given secret values, also in base64 and url-encoded form, out of JSON values and text."""

    def __init__(self, values: Iterable[Any]) -> None:
        texts = {text for value in values for text in _texts(value) if len(text) >= _SHORTEST_REDACTED}
        forms = {form for text in texts for form in _forms(text)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def value(self, value: Any) -> Any:
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return MASK if _is_secret_number(value, self._forms) else value


def _is_secret_number(value: Any, forms: list[str]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and str(value) in forms


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _forms(text: str) -> set[str]:
    raw = text.encode()
    return {
        text,
        quote(text, safe=""),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        json.dumps(text)[1:-1],
    }
