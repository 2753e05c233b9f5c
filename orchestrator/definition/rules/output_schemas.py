"""An output_schema is a JSON Schema that can be used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from json import dumps, loads

from orchestrator.definition.issues import ROOT, Issue, at, show
from orchestrator.definition.output_schema import OutputSchema, SchemaError
from orchestrator.definition.rules.draft import Draft


def check_output_schemas(draft: Draft) -> Iterator[Issue]:
    """The output_schema of each task that has one."""
    for key, task in draft.tasks.items():
        schema = task.get("output_schema")
        if schema is None:
            continue
        path = at(draft.paths[key], "output_schema")
        if not isinstance(schema, dict | bool):
            yield Issue(path, "wrong_type", f"output_schema is a JSON Schema, a map; this is {show(schema)}.")
            continue
        place, message = _fault(dumps(schema, sort_keys=True))
        if message:
            yield Issue(_below(path, place), "bad_schema", message)


def _below(path: str, place: str) -> str:
    """A place in the schema as one in the definition."""
    return path + place.removeprefix(ROOT) if place.startswith(ROOT) else f"{path}.{place}"


# Many tasks of one definition have the same schema, and definitions are checked at every keystroke.
@lru_cache(maxsize=512)
def _fault(schema: str) -> tuple[str, str]:
    try:
        OutputSchema(loads(schema))
    except SchemaError as error:
        return error.path, str(error)
    return ROOT, ""
