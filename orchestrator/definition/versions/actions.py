"""What the parameters of actions were called in older definitions.

Only names are changed, and only where the present name is not used already. Approvers that stand in agent_id are moved
by `normal`, since that is allowed in every version; a condition check that only has a check_type and thresholds is kept
as it is: the action passes it with its settings as output, and warns that it decides nothing.
"""

from __future__ import annotations

from typing import Any, Final

from orchestrator.definition import language

FILE_OPERATION: Final = "file_operation"

# Present name ← the names it had.
_RENAMED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    FILE_OPERATION: {
        "operation": ("operation_type", "action"),
        "path": ("file", "file_path", "source", "source_path", "directory"),
        "destination": ("target", "dest", "destination_path", "target_path"),
        "patterns": ("files", "pattern", "globs", "glob", "paths", "targets"),
    },
    language.WORKFLOW_TRIGGER: {
        "template": ("workflow_template", "template_name"),
        "workflow_id": ("workflow", "sub_workflow", "sub_workflow_id"),
        "parameters": ("params", "inputs", "input", "workflow_parameters"),
        "wait": ("wait_for_completion",),
    },
    language.APPROVAL_GATE: {"title": ("request_title",), "instructions": ("description", "message")},
    language.CONDITION_CHECK: {"expression": ("condition",)},
    "api_call": {"url": ("endpoint",), "json": ("payload",)},
}


def modern(task: dict[str, Any]) -> dict[str, Any]:
    """The task with its parameters under their present names."""
    action, parameters = task.get("action"), task.get("parameters")
    if not isinstance(action, str) or not isinstance(parameters, dict):
        return task
    renamed = _renamed(parameters, _RENAMED.get(action, {}))
    if action == FILE_OPERATION and renamed.get("operation") == "cleanup":
        renamed = _cleanup(renamed)
    return task if renamed == parameters else {**task, "parameters": renamed}


def _renamed(parameters: dict[str, Any], names: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    new_names = {}
    for name, olds in names.items():
        old = next((old for old in olds if old in parameters), None)
        if old is not None and name not in parameters:
            new_names[old] = name
    return {new_names.get(name, name): value for name, value in parameters.items()}


def _cleanup(parameters: dict[str, Any]) -> dict[str, Any]:
    """A pattern alone is a list of one; one that stood in path is no path."""
    path, patterns = parameters.get("path"), parameters.get("patterns")
    if isinstance(patterns, str):
        return {**parameters, "patterns": [patterns]}
    if patterns is None and isinstance(path, str):
        rest = {name: value for name, value in parameters.items() if name != "path"}
        return {**rest, "patterns": [path]}
    return parameters
