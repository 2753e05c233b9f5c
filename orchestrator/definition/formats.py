"""Definitions as text: read from JSON, YAML or WfFormat, written as JSON or YAML."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.definition import strict_json, wfformat, yaml_text

_YAML_ENDINGS = (".yaml", ".yml")


def read(source: str | bytes, filename: str = "") -> Any:
    """The JSON value of a text; a WfFormat document becomes the definition of a workflow.

    JSON and YAML are told apart by the file's name, else by how the text begins. Whether it is a definition is for `check`
    to say. Raises DefinitionError where the text cannot be read, or names tasks that cannot be.
    """
    data = yaml_text.loads(source) if _is_yaml(source, filename) else strict_json.loads(source)
    return wfformat.definition_of(data) if wfformat.is_wfformat(data) else data


def to_json(data: Any) -> str:
    """As JSON for people to read."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def to_yaml(data: Any) -> str:
    """As YAML."""
    return yaml_text.dumps(data)


def _is_yaml(source: str | bytes, filename: str) -> bool:
    name = filename.lower()
    if name.endswith((*_YAML_ENDINGS, ".json")):
        return name.endswith(_YAML_ENDINGS)
    head = source[:1000].decode("utf-8", "replace") if isinstance(source, bytes) else source[:1000]
    # An empty text is reported alike by both; one that begins like neither is more often YAML.
    return not head.lstrip("\ufeff \t\r\n").startswith(("{", "["))
