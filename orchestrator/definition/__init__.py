"""The definition language: reading, checking, migrating and describing workflows. Pure Python.

Here live the words of the schema, every rule a definition is held to, the expression language, the graph, and the formats
a definition is read from. No Django, no database, no clock, no file: what an action's parameters are is handed in.
"""

from __future__ import annotations

from orchestrator.definition.check import Report, check, parse, reread
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.definition.schema import Definition, Task
from orchestrator.definition.versions import CURRENT, Migration, migrate

__all__ = [
    "CURRENT",
    "Definition",
    "DefinitionError",
    "Issue",
    "Migration",
    "Report",
    "Task",
    "check",
    "migrate",
    "parse",
    "reread",
]
