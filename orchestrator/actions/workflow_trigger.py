"""The workflow_trigger action: decides which workflow to start; the engine starts it."""

from __future__ import annotations

from typing import Any

from orchestrator.actions.base import Action, Call, Example, StartChild
from orchestrator.definition.fields import Field, ParameterSchema
from orchestrator.definition.issues import Issue


def _check_one_target(value: dict[str, Any], path: str) -> list[Issue]:
    given = [name for name in ("workflow_id", "template") if value.get(name)]
    if len(given) == 1:
        return []
    text = "Name the workflow to start by workflow_id or by template, not both."
    return [Issue(path, "one_target", text if given else text.removesuffix(", not both.") + ".")]


class WorkflowTrigger(Action):
    name = "workflow_trigger"
    label = "Start a workflow"
    icon = "i-workflow"
    kind = "work"
    summary = "Starts another workflow, and waits for it or not."
    notes = (
        "When it waits, the outcome of the other run decides this task: completed, failed or cancelled.\n"
        "A workflow cannot start itself, and runs that start runs are nested at most 8 deep."
    )
    produces = "run and status of the run that was started; when waited for, also its output."
    parameters = ParameterSchema(
        fields=(
            Field(
                "workflow_id", "string", "The id of the workflow to start.", max_length=200, widget="workflow"
            ),
            Field(
                "template",
                "string",
                "The template to start a workflow from.",
                max_length=200,
                example="approval_chain",
                widget="template",
            ),
            Field(
                "parameters",
                "map",
                "Parameters for its run.",
                default={},
                example={"request_title": "{{ params.title }}"},
            ),
            Field("wait", "boolean", "Whether to wait for its end.", default=True),
        ),
        rules=(_check_one_target,),
    )
    examples = (
        Example(
            "Run and wait", {"workflow_id": "nightly-import", "parameters": {"region": "{{ params.region }}"}}
        ),
        Example(
            "Ask for approval by a template",
            {
                "template": "approval_chain",
                "parameters": {
                    "level1_approver": "alice",
                    "level2_approver": "bob",
                    "request_title": "Release {{ params.version }}",
                },
            },
        ),
        Example("Start and go on", {"workflow_id": "send-report", "wait": False}),
    )

    def execute(self, call: Call) -> StartChild:
        parameters = call.parameters
        return StartChild(
            workflow=parameters.get("workflow_id") or None,
            template=parameters.get("template") or None,
            parameters=parameters["parameters"],
            wait=parameters["wait"],
        )
