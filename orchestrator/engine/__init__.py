"""The only writers of run state.

What lives here: starting, the turn, pausing, resuming, cancelling, decisions, the storing of definitions. Every change
of a run goes through `turn.take_turn`, one database transaction; the decisions in it are made by the pure
`orchestrator.planning`. What must not live here: HTTP, templates, actions that execute.
"""

from __future__ import annotations

from orchestrator.engine.approvals import decide
from orchestrator.engine.approvers import check_approvers
from orchestrator.engine.definitions import (
    archive,
    check_definition,
    migrate_workflow,
    publish,
    save_workflow,
    start_draft,
    workflow_of_template,
)
from orchestrator.engine.lifecycle import cancel, pause, resume, start
from orchestrator.engine.people import complete_task, fail_task, retry_task, skip_task

__all__ = [
    "archive",
    "cancel",
    "check_approvers",
    "check_definition",
    "complete_task",
    "decide",
    "fail_task",
    "migrate_workflow",
    "pause",
    "publish",
    "resume",
    "retry_task",
    "save_workflow",
    "skip_task",
    "start",
    "start_draft",
    "workflow_of_template",
]
