"""The words of schema 2.0.0: every field of a definition with its type, range and default, as data.

Validation, the editor's forms and the reference are made from these tables; a field that is not here is unknown.
"""

from __future__ import annotations

from typing import Final

from orchestrator.definition.fields import Field

MAX_TASKS: Final = 5_000
MAX_DEPENDENCIES: Final = 100_000  # over the whole definition; keeps every check near-linear
MAX_LOOPS: Final = 100  # tasks with for_each; each may have thousands of items
MAX_CONDITIONS: Final = 100  # of one task
MAX_PARAMETERS: Final = 500
NAME_LENGTH: Final = 200
DESCRIPTION_LENGTH: Final = 10_000
SOURCE_LENGTH: Final = 2_000  # of an expression
DAY: Final = 86_400

JOINS: Final = ("any_succeeded", "all_succeeded", "all_settled", "first_succeeded")
MODES: Final = ("sequential", "parallel", "conditional")
ON_FAILURE: Final = ("fail", "skip", "rollback", "manual")
AFTER_ROLLBACK: Final = ("fail", "continue")
PARAMETER_TYPES: Final = ("string", "integer", "number", "boolean", "list", "map", "any")
# What other systems call these types.
TYPE_ALIASES: Final = {
    "array": "list",
    "bool": "boolean",
    "dict": "map",
    "float": "number",
    "int": "integer",
    "object": "map",
    "str": "string",
    "text": "string",
}

# What an expression may name below a root. A root that is missing here may be followed by anything.
TASK_MEMBERS: Final = ("status", "output", "error", "attempts")
WORKFLOW_MEMBERS: Final = ("id", "name", "metadata")

DEFAULT_AGENT: Final = "system"
AGENT_TASK: Final = "agent_task"
APPROVAL_GATE: Final = "approval_gate"
CONDITION_CHECK: Final = "condition_check"
WORKFLOW_TRIGGER: Final = "workflow_trigger"

_NAME = Field("name", "string", "What people call it.", max_length=NAME_LENGTH)
_DESCRIPTION = Field(
    "description", "string", "What it is for.", max_length=DESCRIPTION_LENGTH, widget="textarea"
)
_ON_FAILURE = Field(
    "on_failure",
    "any",  # a word, or a map: checked by its own rule
    "After the last retry: fail, skip, rollback or manual; or {action: rollback, checkpoint, then: fail|continue}.",
    default="fail",
)

TOP_FIELDS: Final = (
    Field("id", "string", "The stable id of the workflow."),
    Field("name", "string", "What people call it.", required=True, max_length=NAME_LENGTH),
    Field("version", "any", "The version of the schema, not of the workflow."),
    _DESCRIPTION,
    Field(
        "metadata", "map", "Whatever else belongs to the workflow; expressions see it as workflow.metadata."
    ),
    Field("parameters", "map", "The inputs of a run."),
    Field("settings", "map", "What holds for the whole workflow."),
    Field("tasks", "map", "The tasks, by key.", required=True),
)

PARAMETER_FIELDS: Final = (
    Field("type", "string", "What kind of value it takes.", default="string", enum=PARAMETER_TYPES),
    Field("required", "boolean", "Whether a run cannot start without it.", default=False),
    Field("default", "any", "The value it has when none is given."),
    Field("secret", "boolean", "Whether its value is encrypted and masked everywhere.", default=False),
    _DESCRIPTION,
    Field("enum", "list", "The only values it may have.", minimum=1, maximum=1_000),
)

SETTINGS_FIELDS: Final = (
    Field("max_parallel", "integer", "How many of its tasks may run at once.", minimum=1, maximum=10_000),
    _ON_FAILURE,
    Field("timeout_seconds", "number", "How long a run may take in all.", minimum=1, maximum=366 * DAY),
    Field("expected_seconds", "number", "How long a run usually takes.", minimum=0, maximum=366 * DAY),
    Field(
        "rollback_limit",
        "integer",
        "How many rollbacks one run may make by itself.",
        default=3,
        minimum=0,
        maximum=100,
    ),
    Field("review_required", "boolean", "Whether a second person must publish a version.", default=False),
)

TASK_FIELDS: Final = (
    Field("id", "string", "Another id for the task; its key if not given."),
    _NAME,
    _DESCRIPTION,
    Field("action", "string", "What is done.", required=True),
    Field(
        "agent_id",
        "string",
        "An agent, a pool (pool:name) or a capability (can:python).",
        default=DEFAULT_AGENT,
    ),
    Field("parameters", "map", "What the action is given; strings may hold {{ expression }}.", default={}),
    Field("dependencies", "list", "The tasks that must settle first.", default=[]),
    Field(
        "join",
        "string",
        "When it runs, given how its dependencies ended.",
        default="any_succeeded",
        enum=JOINS,
    ),
    Field(
        "conditions",
        "list",
        "Expressions that must all hold, or it is skipped.",
        default=[],
        maximum=MAX_CONDITIONS,
    ),
    Field("execution_mode", "string", "Whether it runs beside others.", default="sequential", enum=MODES),
    Field(
        "timeout_seconds",
        "number",
        "How long one attempt may take.",
        default=3600,
        minimum=1,
        maximum=31 * DAY,
    ),
    Field("retry_count", "integer", "How often it is tried again.", default=3, minimum=0, maximum=100),
    Field("retry_delay", "number", "Seconds before the first retry.", default=5, minimum=0, maximum=3600),
    Field(
        "retry_backoff",
        "number",
        "What each further delay is multiplied by.",
        default=2.0,
        minimum=1,
        maximum=100,
    ),
    Field(
        "retry_max_delay", "number", "The longest delay, in seconds.", default=300, minimum=0, maximum=3600
    ),
    _ON_FAILURE,
    Field("compensation", "map", "An action that undoes this task, run on rollback."),
    Field("for_each", "expression", "An expression giving a list: the task runs once for each item."),
    Field("resources", "map", "What is reserved while it runs: {cpu, memory_mb}."),
    Field("cache", "map", "Reuse an earlier output for the same parameters: {ttl_seconds, key}."),
    Field("output_schema", "any", "A JSON Schema the output must meet."),
    Field("checkpoint", "any", "true or a name: record a named checkpoint once it completes.", default=False),
    Field("position", "map", "Where it stands on the canvas: {x, y}."),
)

ON_FAILURE_FIELDS: Final = (
    Field("action", "string", "What happens after the last retry.", required=True, enum=ON_FAILURE),
    Field("checkpoint", "string", "The checkpoint to go back to; the latest if not given."),
    Field(
        "then",
        "string",
        "Whether the run then fails or goes on from there.",
        default="fail",
        enum=AFTER_ROLLBACK,
    ),
)
COMPENSATION_FIELDS: Final = (
    Field("action", "string", "What is done to undo the task.", required=True),
    Field("agent_id", "string", "Who does it; the agent of the task if not given."),
    Field("parameters", "map", "What the action is given.", default={}),
)
CACHE_FIELDS: Final = (
    Field(
        "ttl_seconds",
        "number",
        "How long an output may be reused.",
        required=True,
        minimum=1,
        maximum=366 * DAY,
    ),
    Field(
        "key",
        "string",
        "Tells outputs apart; the resolved parameters if not given.",
        max_length=SOURCE_LENGTH,
    ),
)
RESOURCE_FIELDS: Final = (
    Field("cpu", "number", "Processors, in parts if need be.", minimum=0, maximum=10_000),
    Field("memory_mb", "number", "Memory in megabytes.", minimum=0, maximum=100_000_000),
)
POSITION_FIELDS: Final = (
    Field("x", "number", "To the right, in pixels.", required=True, minimum=-1_000_000, maximum=1_000_000),
    Field("y", "number", "Down, in pixels.", required=True, minimum=-1_000_000, maximum=1_000_000),
)
