"""The six things a task can do.

What lives here: one file or folder for each action, all with the same parts (see `base`), and the workspace, the one
door to users' files. What must not: the engine, models, or anything that changes the state of a run. An action is
given a call and returns a value; what becomes of it is decided elsewhere.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from orchestrator.actions.base import Action, ActionError, Call, StartChild
from orchestrator.definition.fields import ParameterSchema

# Name → class. To add an action, write its file and name it here; the order is that of the editor's palette.
ACTIONS = {
    "agent_task": "orchestrator.actions.agent_task.AgentTask",
    "file_operation": "orchestrator.actions.file_operation.FileOperation",
    "api_call": "orchestrator.actions.api_call.ApiCall",
    "workflow_trigger": "orchestrator.actions.workflow_trigger.WorkflowTrigger",
    "approval_gate": "orchestrator.actions.approval_gate.ApprovalGate",
    "condition_check": "orchestrator.actions.condition_check.ConditionCheck",
}

# What the engine puts into test runs by itself. A definition that names it is refused: `schemas` does not have it.
INTERNAL = {"stand_in": "orchestrator.actions.stand_in.StandIn"}

__all__ = [
    "ACTIONS",
    "INTERNAL",
    "Action",
    "ActionError",
    "Call",
    "StartChild",
    "all_actions",
    "get",
    "schemas",
    "schemas_of_trials",
]


@cache
def get(name: str) -> Action:
    """The action of that name. Raises KeyError."""
    module, _, attribute = (ACTIONS.get(name) or INTERNAL[name]).rpartition(".")
    action: Action = getattr(import_module(module), attribute)()
    return action


def all_actions() -> list[Action]:
    return [get(name) for name in ACTIONS]


def schemas() -> dict[str, ParameterSchema]:
    """What a definition's check needs to know of the actions."""
    return {name: get(name).parameters for name in ACTIONS}


def schemas_of_trials() -> dict[str, ParameterSchema]:
    """The same for what a test run is made of."""
    return {name: get(name).parameters for name in (*ACTIONS, *INTERNAL)}
