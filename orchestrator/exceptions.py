"""Errors that say what to do. The API maps `status`, the command line the kind, people read the sentence."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.definition.issues import Issue


class BatonError(Exception):
    """Something was asked for that cannot be done."""

    code = "error"
    status = 400

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class NotFoundError(BatonError):
    """There is no such thing, or not for this person."""

    code = "not_found"
    status = 404


class ConflictError(BatonError):
    """The state of the thing does not allow it, or somebody else was first."""

    code = "conflict"
    status = 409


class NotAllowedError(BatonError):
    """This person may not do it."""

    code = "not_allowed"
    status = 403


class InvalidError(BatonError):
    """What was given is wrong in the places that `issues` name."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, issues: Iterable[Issue] = (), *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.issues = tuple(issues)
