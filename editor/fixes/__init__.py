"""Fixes: what a person would do about a finding where that is mechanical, as a few operations under one label.

Pure. A fix does away with its finding and brings no new error: it is tried before it is offered. What needs a decision,
such as who approves or which connection of a loop goes, is left to people.
"""

from __future__ import annotations

from editor.fixes.trial import Fix, fix_of, fixed, with_fixes

__all__ = ["Fix", "fix_of", "fixed", "with_fixes"]
