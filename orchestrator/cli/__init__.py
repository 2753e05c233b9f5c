"""The `baton` command.

What lives here: one module for each family of commands, the group that gathers them, and what they share: JSON or
tables, exit codes, the person who acts. What must not: decisions; a command reads through `orchestrator.reads` and
changes through `orchestrator.engine`. To add a command, put it into the `COMMANDS` of a module named in `app.MODULES`.
"""

from __future__ import annotations

from orchestrator.cli.app import main

__all__ = ["main"]
