"""The workflow templates: one JSON file each, and their loader.

What lives here: the files, `templates`, `get` and `instantiate`. What must not: Django, a database, anything a
template would need that its file does not say. A template is an ordinary definition with documented parameters; the
file beside it says what it is for.
"""

from __future__ import annotations

from orchestrator.catalog.loader import (
    Template,
    UnknownTemplateError,
    field_of,
    get,
    has,
    instantiate,
    made_from,
    templates,
)

__all__ = [
    "Template",
    "UnknownTemplateError",
    "field_of",
    "get",
    "has",
    "instantiate",
    "made_from",
    "templates",
]
