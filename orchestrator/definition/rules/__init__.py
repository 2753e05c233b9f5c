"""The rules a definition is held to: small functions in one ordered list, each yielding what it finds.

A rule looks at a `Draft` and takes nothing for granted about what other rules found. Nothing here changes data,
migrates or builds; a rule that needs Django, a database or the clock belongs to the engine.
"""

from __future__ import annotations

from orchestrator.definition.rules import (
    actions,
    approvals,
    checkpoints,
    dependencies,
    expressions,
    joins,
    output_schemas,
    plain_secrets,
    reachability,
    reversal,
    structure,
)
from orchestrator.definition.rules.draft import Draft, Rule

RULES: tuple[Rule, ...] = (
    structure.check_top,
    structure.check_parameters,
    structure.check_settings,
    structure.check_tasks,
    structure.check_task_ids,
    dependencies.check_dependencies,
    dependencies.check_loops,
    joins.check_joins,
    actions.check_actions,
    actions.check_triggers,
    actions.check_compensations,
    expressions.check_expressions,
    checkpoints.check_checkpoints,
    checkpoints.check_rollbacks,
    output_schemas.check_output_schemas,
    reachability.check_reachability,
    approvals.check_approvals,
    approvals.check_send_back,
    reversal.check_reversals,
    plain_secrets.check_plain_secrets,
)

__all__ = ["RULES", "Draft", "Rule"]
