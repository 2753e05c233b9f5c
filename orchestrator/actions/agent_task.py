"""The agent_task action as it is done in the worker: by a Python callable named in the settings.

The callables are found by their dotted path when a task runs, since they belong to layers above this one or to
somebody else's package.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from orchestrator import conf
from orchestrator.actions.base import Action, ActionError, Call, Example
from orchestrator.definition.fields import Field, ParameterSchema

DEMO = "demo"
_LOOK_SECONDS = 0.5  # how soon a coroutine learns that its task was cancelled


class TaskLogger:
    """Writes to the log of the task. Formats like the loggers of the standard library."""

    def __init__(self, write: Callable[[str, str], None]) -> None:
        self._write = write

    def debug(self, message: str, *values: object) -> None:
        self._log("debug", message, values)

    def info(self, message: str, *values: object) -> None:
        self._log("info", message, values)

    def warning(self, message: str, *values: object) -> None:
        self._log("warning", message, values)

    def error(self, message: str, *values: object) -> None:
        self._log("error", message, values)

    def _log(self, level: str, message: str, values: tuple[object, ...]) -> None:
        self._write(level, message % values if values else message)


@dataclass(frozen=True, slots=True)
class AgentContext:
    """What a callable is given beside the parameters.

    One that takes longer than a few seconds calls `heartbeat` now and then and returns early when `cancelled`;
    `idempotency_key` is the same for every attempt at the task, for use towards the outside.
    """

    task: str
    index: int
    attempt: int
    agent_id: str
    run: Mapping[str, Any]
    idempotency_key: str
    logger: TaskLogger
    heartbeat: Callable[[], None]
    cancelled: Callable[[], bool]
    seconds_left: Callable[[], float]


Agent = Callable[[dict[str, Any], AgentContext], Any]


def served_by(agent_id: str, agents: Mapping[str, str], demo: bool) -> str | None:
    """The dotted path of the callable that does tasks of this agent, None when nobody here does.

    With `demo` the demo agent does everybody's tasks, pools and capabilities among them.
    """
    return agents.get(agent_id) or (agents.get(DEMO) if demo else None)


def load(path: str) -> Agent:
    """The callable at a dotted path. Raises ActionError `agent_not_found`."""
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ActionError(
            "agent_not_found", f"The agent {path} cannot be loaded: {error}.", retryable=False
        ) from error
    if not callable(found):
        raise ActionError("agent_not_found", f"{path} is not a callable.", retryable=False)
    return found  # type: ignore[no-any-return]  # nothing is known of it but its name in the settings


class AgentTask(Action):
    name = "agent_task"
    label = "Agent task"
    icon = "i-bot"
    kind = "work"
    summary = "Gives work to an agent: a program, an AI agent, a person or a Python callable."
    notes = (
        "The agent gets all parameters, also such as are not listed here. Which agent it is stands in the task's "
        "agent_id: a name, pool:name or can:capability. While nobody serves it, the task waits."
    )
    produces = "Whatever the agent returns, any JSON value up to 1 MiB."
    parameters = ParameterSchema(
        fields=(
            Field("description", "string", "What is to be done.", max_length=10_000, widget="textarea"),
            Field("title", "string", "A short name for the work.", max_length=200),
            Field(
                "priority",
                "string",
                "How urgent it is for the agent, such as low, medium, high or critical.",
                max_length=50,
            ),
            Field("estimated_hours", "number", "How long it is expected to take.", minimum=0, maximum=10_000),
            Field("deliverables", "any", "What is to be handed over."),
            Field("context", "any", "What the agent should know."),
            Field(
                "seconds",
                "number",
                "How long the demo agent works.",
                minimum=0,
                maximum=86_400,
                advanced=True,
            ),
            Field("result", "map", "Put into the result of the demo agent.", advanced=True),
            Field(
                "fail_times",
                "integer",
                "How many attempts the demo agent lets fail before one succeeds.",
                minimum=0,
                maximum=1000,
                advanced=True,
            ),
            Field("fail_with", "string", "The error of those attempts.", max_length=1000, advanced=True),
        ),
        open=True,
    )
    examples = (
        Example("Describe the work", {"description": "Perform data analysis", "estimated_hours": 2}),
        Example(
            "Hand on a result", {"description": "Summarise", "orders": "{{ tasks.extract.output.orders }}"}
        ),
    )

    def __init__(
        self,
        agents: Callable[[], Mapping[str, str]] = conf.agents,
        demo: Callable[[], bool] = conf.demo,
    ) -> None:
        self._agents = agents
        self._demo = demo

    def execute(self, call: Call) -> Any:
        path = served_by(call.agent_id, self._agents(), self._demo())
        if path is None:
            raise ActionError("no_agent", f"Nobody here serves the agent {call.agent_id}.")
        agent = load(path)
        try:
            answer = agent(call.parameters, _context(call))
            return asyncio.run(_awaited(answer, call)) if inspect.isawaitable(answer) else answer
        except ActionError:
            raise
        except Exception as error:
            call.log("error", traceback.format_exc(limit=-5))
            raise ActionError("agent_failed", f"{type(error).__name__}: {error}") from error


def _context(call: Call) -> AgentContext:
    return AgentContext(
        task=call.task_key,
        index=call.index,
        attempt=call.attempt,
        agent_id=call.agent_id,
        run=call.run,
        idempotency_key=call.idempotency_key,
        logger=TaskLogger(call.log),
        heartbeat=call.heartbeat,
        cancelled=call.cancelled,
        seconds_left=call.seconds_left,
    )


async def _awaited(answer: Awaitable[Any], call: Call) -> Any:
    """The result of a coroutine, which is stopped when the task is cancelled or its time is over."""
    work = asyncio.ensure_future(answer)
    while not work.done():
        await asyncio.wait({work}, timeout=min(_LOOK_SECONDS, max(call.seconds_left(), 0)))
        if not work.done() and (call.cancelled() or call.seconds_left() <= 0):
            await _stop(work)
            raise _interrupted(call)
    return work.result()


async def _stop(work: asyncio.Future[Any]) -> None:
    work.cancel()
    await asyncio.wait({work}, timeout=_LOOK_SECONDS)


def _interrupted(call: Call) -> ActionError:
    if call.cancelled():
        return ActionError("cancelled", "The task was cancelled while the agent worked.", retryable=False)
    return ActionError("timeout", "The agent did not finish in the time allowed.")
