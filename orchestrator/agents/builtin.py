"""The two agents that ship: `system` does what needs no doing, `demo` stands in for everybody else."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from orchestrator import conf
from orchestrator.actions.agent_task import AgentContext
from orchestrator.actions.base import ActionError

_PULSE = 0.2  # seconds between two looks at whether to stop
_REPORTS = 4  # log lines of a task that takes its time

# A word in the description, and the priority it speaks for.
_PRIORITY_WORDS = {
    "critical": "critical",
    "outage": "critical",
    "urgent": "high",
    "escalat": "high",
    "important": "high",
    "routine": "low",
    "minor": "low",
}


def system(parameters: dict[str, Any], context: AgentContext) -> dict[str, Any]:
    """Done at once: hands on what it was given, for tasks that mark a point or put values together."""
    return {**parameters, "done": True, "task": context.task}


def demo(parameters: dict[str, Any], context: AgentContext) -> dict[str, Any]:
    """Work for a while and return a result such as an agent would.

    The same task and parameters give the same result. `seconds`, `result`, `fail_times` and `fail_with` steer it.
    """
    work = _work_of(parameters, context)
    context.logger.info("%s began: %s", context.agent_id, work)
    _spend(float(parameters.get("seconds", conf.demo_seconds())), context)
    if context.attempt <= int(parameters.get("fail_times") or 0):
        raise ActionError(
            "demo_failure", str(parameters.get("fail_with") or "The demo agent was told to fail.")
        )
    result = _result(work, parameters, context)
    context.logger.info("Done: %s", result["summary"])
    return result


def _work_of(parameters: Mapping[str, Any], context: AgentContext) -> str:
    text = parameters.get("description") or parameters.get("title") or context.task
    return str(text)[:200]


def _spend(seconds: float, context: AgentContext) -> None:
    """Let the time pass with signs of life, until it is over or the task is cancelled."""
    begin = time.monotonic()
    reported = 1
    while (passed := time.monotonic() - begin) < seconds:
        if context.cancelled():
            raise ActionError("cancelled", "The task was cancelled while the agent worked.", retryable=False)
        context.heartbeat()
        if passed >= seconds * reported / _REPORTS:
            context.logger.info("%d %% done", 100 * reported // _REPORTS)
            reported += 1
        time.sleep(min(_PULSE, seconds - passed))


def _result(work: str, parameters: Mapping[str, Any], context: AgentContext) -> dict[str, Any]:
    seed = hashlib.sha256(f"{context.task}:{context.index}:{work}".encode()).digest()
    records = 500 + int.from_bytes(seed[:2]) % 9_500
    given = {name: value for name, value in parameters.items() if name in ("partition", "level", "stage")}
    return {
        "agent": context.agent_id,
        "records_processed": records,
        "quality_score": round(0.9 + seed[2] / 2560, 3),
        "priority": _priority(work, parameters, seed[3]),
        "summary": f"{work.rstrip('.')}: {records} records processed.",
        **given,
        **(parameters.get("result") or {}),
    }


def _priority(work: str, parameters: Mapping[str, Any], chance: int) -> str:
    """What was asked for, what the description speaks for, or a constant of the task."""
    given = parameters.get("priority")
    if isinstance(given, str) and given:
        return given
    words = work.lower()
    found = (priority for word, priority in _PRIORITY_WORDS.items() if word in words)
    return next(found, ("low", "medium", "high")[chance % 3])
