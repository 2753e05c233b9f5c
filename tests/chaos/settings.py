"""The shipped settings and one agent more, which notes each time it is called."""

from __future__ import annotations

from typing import cast

from orchestrator.settings import *  # noqa: F403
from orchestrator.settings import BATON as _BATON

_AGENTS = cast("dict[str, str]", _BATON["AGENTS"])
BATON = {**_BATON, "AGENTS": {**_AGENTS, "recorder": "tests.chaos.recorder.recorder"}}
