"""Compiled plans, kept per version: a version never changes."""

from __future__ import annotations

from functools import lru_cache

from orchestrator.definition import reread
from orchestrator.models import WorkflowVersion
from orchestrator.planning.plan import Plan, compile_plan


@lru_cache(maxsize=256)
def plan_for(version_id: int) -> Plan:
    """The plan of a stored version, which was checked when it was stored."""
    data = WorkflowVersion.everything.values_list("definition", flat=True).get(pk=version_id)
    return compile_plan(reread(data))
