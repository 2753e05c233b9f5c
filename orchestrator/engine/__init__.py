"""The only writers of run state.

What lives here: starting, the turn, pausing, resuming, cancelling, decisions, the storing of definitions. Every change
of a run goes through `turn.take_turn`, one database transaction; the decisions in it are made by the pure
`orchestrator.planning`. What must not live here: HTTP, templates, actions that execute.
"""

from __future__ import annotations

from orchestrator.engine import agent_work, agents, artifacts
from orchestrator.engine.approvals import decide, recall, send_back
from orchestrator.engine.approvers import check_approvers
from orchestrator.engine.bulk import decide_many
from orchestrator.engine.decisions import Beside
from orchestrator.engine.definitions import (
    archive,
    check_definition,
    migrate_workflow,
    publish,
    save_workflow,
    start_draft,
    workflow_of_template,
)
from orchestrator.engine.delegations import delegate, revoke_delegation
from orchestrator.engine.lifecycle import cancel, pause, resume, run_of_key, start
from orchestrator.engine.people import complete_task, fail_task, retry_task, skip_task
from orchestrator.engine.talk import answer, ask, comment, withdraw_question
from orchestrator.engine.template_saving import (
    add_template_version,
    delete_template,
    restore_template,
    retire_template,
    save_template,
)
from orchestrator.engine.templates import all_templates, find_template, make_definition
from orchestrator.engine.trials import check_trial, start_trial
from orchestrator.engine.uploads import Upload

__all__ = [
    "Beside",
    "Upload",
    "add_template_version",
    "agent_work",
    "agents",
    "all_templates",
    "answer",
    "archive",
    "artifacts",
    "ask",
    "cancel",
    "check_approvers",
    "check_definition",
    "check_trial",
    "comment",
    "complete_task",
    "decide",
    "decide_many",
    "delegate",
    "delete_template",
    "fail_task",
    "find_template",
    "make_definition",
    "migrate_workflow",
    "pause",
    "publish",
    "recall",
    "restore_template",
    "resume",
    "retire_template",
    "retry_task",
    "revoke_delegation",
    "run_of_key",
    "save_template",
    "save_workflow",
    "send_back",
    "skip_task",
    "start",
    "start_draft",
    "start_trial",
    "withdraw_question",
    "workflow_of_template",
]
