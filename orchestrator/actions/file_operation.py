"""The file_operation action: what a workflow does with the files of the workspace."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator import conf
from orchestrator.actions import paths
from orchestrator.actions.base import Action, ActionError, Call, Example
from orchestrator.actions.paths import WorkspaceError
from orchestrator.actions.workspace import MEBIBYTE, Entry, Workspace
from orchestrator.definition import strict_json
from orchestrator.definition.fields import Field, ParameterSchema, holds_template
from orchestrator.definition.issues import DefinitionError, Issue, at

MAX_LISTED = 1000

# Operation → the parameters it cannot do without.
NEEDS: dict[str, tuple[str, ...]] = {
    "read": ("path",),
    "write": ("path", "content"),
    "append": ("path", "content"),
    "copy": ("path", "destination"),
    "move": ("path", "destination"),
    "delete": ("path",),
    "list": (),
    "mkdir": ("path",),
    "cleanup": ("patterns",),
}


def _check_needs(value: dict[str, Any], path: str) -> list[Issue]:
    operation = value["operation"]
    return [
        Issue(at(path, name), "missing_parameter", f"The operation {operation} needs {name}.")
        for name in NEEDS.get(operation, ())
        if value.get(name) is None
    ]


def _check_paths(value: dict[str, Any], path: str) -> list[Issue]:
    given = [(at(path, name), value.get(name)) for name in ("path", "destination")]
    patterns = value.get("patterns")
    if isinstance(patterns, list):
        given += [(at(at(path, "patterns"), index), item) for index, item in enumerate(patterns)]
    return [issue for where, text in given for issue in _path_issues(text, where)]


def _path_issues(text: Any, where: str) -> list[Issue]:
    if not isinstance(text, str) or holds_template(text):
        return []
    try:
        paths.split_path(text)
    except WorkspaceError as error:
        return [Issue(where, error.code, error.message)]
    return []


class FileOperation(Action):
    name = "file_operation"
    label = "File operation"
    icon = "i-file-text"
    kind = "work"
    summary = "Reads, writes and tidies files in the workspace."
    notes = (
        "Paths are relative to the workspace directory and cannot leave it; links are not followed. Missing folders are "
        "created. A file is replaced as a whole, so that nobody reads half of it.\n"
        "A task that was interrupted is tried again: write, delete, mkdir and cleanup come to the same end, "
        "append may add its content twice.\n"
        "In patterns * stands for part of a name, ? for one character, ** for any folders. cleanup deletes the files "
        "that match, and the matching folders that are then empty."
    )
    produces = (
        "operation and path, and by operation: read content, encoding, size; write, append, copy size; delete deleted; "
        "mkdir created; move destination; list entries (path, kind, size, modified) and truncated; "
        "cleanup deleted and count."
    )
    parameters = ParameterSchema(
        fields=(
            Field("operation", "string", "What to do.", required=True, enum=tuple(NEEDS), templated=False),
            Field(
                "path",
                "string",
                "The file or folder; for list and cleanup the folder to look in, all if not given.",
                example="reports/today.csv",
            ),
            Field(
                "destination",
                "string",
                "Where copy and move put the file, with its name.",
                example="archive/today.csv",
            ),
            Field(
                "content",
                "any",
                "What write and append put in the file; anything but text is written as JSON.",
                widget="textarea",
            ),
            Field(
                "encoding",
                "string",
                "How content is given and handed on: text (UTF-8), base64 for any bytes, or json.",
                default="text",
                enum=("text", "base64", "json"),
            ),
            Field(
                "patterns",
                "list",
                "Which files cleanup deletes and list shows, relative to path.",
                items="string",
                minimum=1,
                maximum=50,
                example=["tmp/**", "*.log"],
            ),
            Field("overwrite", "boolean", "Whether a file that is there may be replaced.", default=True),
            Field(
                "missing_ok",
                "boolean",
                "Whether delete is content when there is nothing to delete.",
                default=True,
                advanced=True,
            ),
            Field(
                "older_than_seconds",
                "number",
                "cleanup leaves alone what was changed more recently.",
                default=0,
                minimum=0,
                advanced=True,
            ),
            Field(
                "max_bytes",
                "integer",
                "The largest file that read takes.",
                default=MEBIBYTE,
                minimum=1,
                maximum=MEBIBYTE,
                advanced=True,
            ),
        ),
        rules=(_check_needs, _check_paths),
    )
    examples = (
        Example(
            "Write a report",
            {
                "operation": "write",
                "path": "reports/{{ run.id }}.json",
                "content": "{{ tasks.analyse.output }}",
            },
        ),
        Example("Read a file", {"operation": "read", "path": "input/orders.json", "encoding": "json"}),
        Example(
            "Tidy up", {"operation": "cleanup", "patterns": ["tmp/**", "*.part"], "older_than_seconds": 3600}
        ),
    )

    def __init__(self, workspace: Callable[[], Path] = conf.workspace) -> None:
        self._workspace = workspace

    def execute(self, call: Call) -> dict[str, Any]:
        workspace = Workspace(self._workspace())
        operation = call.parameters["operation"]
        try:
            result = _OPERATIONS[operation](workspace, call.parameters)
        except WorkspaceError as error:
            raise ActionError(error.code, error.message, retryable=error.retryable) from error
        return {"operation": operation, "path": call.parameters.get("path", ""), **result}


def _read(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    data = workspace.read(parameters["path"], max_bytes=parameters["max_bytes"])
    encoding = parameters["encoding"]
    return {"content": _to_json(data, encoding), "encoding": encoding, "size": len(data)}


def _write(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    data = _to_bytes(parameters["content"], parameters["encoding"])
    workspace.write(parameters["path"], data, overwrite=parameters["overwrite"])
    return {"size": len(data)}


def _append(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    data = _to_bytes(parameters["content"], parameters["encoding"])
    return {"size": workspace.append(parameters["path"], data)}


def _copy(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    destination = parameters["destination"]
    size = workspace.copy(parameters["path"], destination, overwrite=parameters["overwrite"])
    return {"destination": destination, "size": size}


def _move(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    destination = parameters["destination"]
    workspace.move(parameters["path"], destination, overwrite=parameters["overwrite"])
    return {"destination": destination}


def _delete(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"deleted": workspace.delete(parameters["path"], missing_ok=parameters["missing_ok"])}


def _mkdir(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"created": workspace.make_folder(parameters["path"])}


def _list(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    found = workspace.find(parameters.get("patterns", ["*"]), under=parameters.get("path", ""))
    return {"entries": [_shown(entry) for entry in found[:MAX_LISTED]], "truncated": len(found) > MAX_LISTED}


def _cleanup(workspace: Workspace, parameters: dict[str, Any]) -> dict[str, Any]:
    found = workspace.find(parameters["patterns"], under=parameters.get("path", ""))
    limit = time.time() - parameters["older_than_seconds"]
    old = [entry for entry in found if entry.modified <= limit]
    files = [entry.path for entry in old if entry.kind == "file"]
    deleted = [path for path in files if workspace.delete(path, missing_ok=True)]
    # From the inside out, so that a folder that held only empty ones goes as well.
    for entry in reversed(old):
        if entry.kind == "folder":
            _delete_if_empty(workspace, entry.path)
    return {"deleted": deleted[:MAX_LISTED], "count": len(deleted)}


def _delete_if_empty(workspace: Workspace, path: str) -> None:
    try:
        workspace.delete(path, missing_ok=True)
    except WorkspaceError as error:
        if error.code != "not_empty":
            raise


_OPERATIONS: dict[str, Callable[[Workspace, dict[str, Any]], dict[str, Any]]] = {
    "read": _read,
    "write": _write,
    "append": _append,
    "copy": _copy,
    "move": _move,
    "delete": _delete,
    "list": _list,
    "mkdir": _mkdir,
    "cleanup": _cleanup,
}


def _shown(entry: Entry) -> dict[str, Any]:
    modified = datetime.fromtimestamp(entry.modified, UTC).isoformat(timespec="seconds")
    return asdict(entry) | {"modified": modified}


def _to_json(data: bytes, encoding: str) -> Any:
    if encoding == "base64":
        return base64.b64encode(data).decode()
    try:
        text = data.decode()
        return strict_json.loads(text) if encoding == "json" else _storable(text)
    except UnicodeDecodeError:
        raise ActionError(
            "not_text", "The file is not UTF-8 text; read it as base64.", retryable=False
        ) from None
    except DefinitionError as error:
        raise ActionError("not_json", f"The file is not usable JSON: {error}", retryable=False) from None


def _storable(text: str) -> str:
    """Text with a null character in it is no text: PostgreSQL stores none in JSON."""
    if "\x00" in text:
        raise ActionError("not_text", "The file holds a null character; read it as base64.", retryable=False)
    return text


def _to_bytes(content: Any, encoding: str) -> bytes:
    if encoding == "json" or not isinstance(content, str):
        return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
    if encoding == "text":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ActionError("bad_content", "The content is not base64.", retryable=False) from None
