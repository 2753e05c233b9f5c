"""Operations: the only way a draft changes, whoever asks and from wherever.

Pure: an operation makes one definition out of another; what it changed is found by comparing the two, and taken back by
`changes`. Canvas, list view, inspector, JSON view and API send the same operations. No Django, no database here.
"""

from __future__ import annotations

from editor.operations.changes import (
    Change,
    ClashError,
    difference,
    inverted,
    touched_by,
    with_changes,
    with_changes_over,
)
from editor.operations.errors import OperationError
from editor.operations.table import OPERATIONS, carry_out

__all__ = [
    "OPERATIONS",
    "Change",
    "ClashError",
    "OperationError",
    "carry_out",
    "difference",
    "inverted",
    "touched_by",
    "with_changes",
    "with_changes_over",
]
