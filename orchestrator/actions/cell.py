"""An action carried out in a process of its own: for a task that workers have died of, or beside, before.

Whatever kills the process then, an exit deep in a library or the kernel when memory runs out, takes nothing else with
it. `execute` is called in the worker; the process runs this module and speaks with it in lines of JSON.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

import django
from django.conf import settings

from orchestrator import actions
from orchestrator.actions.base import ActionError, Call, StartChild
from orchestrator.supervisor.fate import die_with_parent
from orchestrator.supervisor.titles import set_title

LOOK_SECONDS = 0.2  # between two looks at whether to stop
GRACE_SECONDS = 2.0  # beyond its timeout, for an action that ends by itself

Message = dict[str, Any]


class DiedError(Exception):
    """The process of the action ended without an answer."""


def execute(action: str, call: Call) -> Any:
    """What the action returns or raises; DiedError when its process died. Ends with the task's time."""
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "orchestrator.actions.cell", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            _hand_over(process.stdin, _order(action, call))
            return _answer(_messages(process.stdout), call)
        finally:
            process.kill()


def _order(action: str, call: Call) -> str:
    facts = ("task_key", "index", "attempt", "agent_id", "parameters", "idempotency_key", "run")
    order = {
        "action": action,
        "call": {name: getattr(call, name) for name in facts},
        "seconds_left": call.seconds_left(),
        "settings": settings.BATON,
    }
    return json.dumps(order, default=str)


def _hand_over(pipe: IO[str], order: str) -> None:
    try:
        pipe.write(order)
        pipe.close()
    except BrokenPipeError:  # it has died already; that nothing comes back says so
        return


def _messages(pipe: IO[str]) -> queue.SimpleQueue[Message | None]:
    """What the process says, as it comes; None at its end."""
    said: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def listen() -> None:
        with suppress(ValueError):  # its last line may be cut off
            for line in pipe:
                said.put(json.loads(line))
        said.put(None)

    threading.Thread(target=listen, name="baton-cell", daemon=True).start()
    return said


def _answer(said: queue.SimpleQueue[Message | None], call: Call) -> Any:
    while True:
        try:
            message = said.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            _look_whether_to_stop(call)
            continue
        if message is None:
            raise DiedError
        if "log" not in message:
            return _opened(message)
        call.log(*message["log"])


def _look_whether_to_stop(call: Call) -> None:
    """Unlike a thread a process can be ended: an action that does not listen is."""
    if call.cancelled():
        raise ActionError("cancelled", "The task was cancelled.", retryable=False)
    if call.seconds_left() < -GRACE_SECONDS:
        raise ActionError("timeout", "The action did not end in the time allowed.")


def _opened(message: Message) -> Any:
    if "error" in message:
        raise ActionError(**message["error"])
    return StartChild(**message["child"]) if "child" in message else message["result"]


# In the process


def serve(order: Message, say: Callable[[Message], None]) -> None:
    """Carry out the order and say what came of it."""
    call = Call(
        **order["call"],
        seconds_left=_countdown(order["seconds_left"]),
        cancelled=lambda: False,
        log=lambda level, line: say({"log": [level, line]}),
        heartbeat=lambda: None,
    )
    try:
        result = actions.get(order["action"]).execute(call)
        say({"child": asdict(result)} if isinstance(result, StartChild) else {"result": result})
    except ActionError as error:
        say({"error": _as_dict(error)})
    except BaseException as error:  # noqa: BLE001 - whatever an action raises is an answer
        say({"error": _as_dict(ActionError("exception", f"{type(error).__name__}: {error}"))})


def _as_dict(error: ActionError) -> Mapping[str, Any]:
    return {name: getattr(error, name) for name in ("code", "message", "retryable", "retry_after")}


def _countdown(seconds: float) -> Callable[[], float]:
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def main(parent: int) -> None:
    die_with_parent(parent)
    set_title("cell")
    # What the action prints must not get among the answers.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    order = json.load(sys.stdin)
    _set_up(order["settings"])

    def say(message: Message) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    serve(order, say)


def _set_up(baton: Mapping[str, Any]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    settings.BATON = dict(baton)
    django.setup()


if __name__ == "__main__":
    main(int(sys.argv[1]))
