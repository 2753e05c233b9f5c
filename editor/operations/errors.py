"""Why an operation cannot be carried out."""

from __future__ import annotations


class OperationError(Exception):
    """`code` is stable, `message` says what is wrong and how to mend it; `index` which operation of a batch it was."""

    def __init__(self, code: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path
        self.index = 0
