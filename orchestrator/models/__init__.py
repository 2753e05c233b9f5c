"""Rows only, one noun a file.

What lives here: Django models with their constraints and indexes. What must not: decisions, writes of run
state (`orchestrator.engine` is their only writer) and queries that pages need (`orchestrator.reads`).
Outside code imports from `orchestrator.models`, never from its files.
"""

from __future__ import annotations

from orchestrator.models.access import ApiToken, Secret, SignInFailure
from orchestrator.models.agents import Agent, AgentToken, Lease
from orchestrator.models.approvals import Approval, Approver, Vote
from orchestrator.models.artifacts import Artifact
from orchestrator.models.delegations import Delegation
from orchestrator.models.events import Event, LogLine
from orchestrator.models.notices import ChatHook, Delivery, Notice, NoticePreference
from orchestrator.models.preferences import Hidden
from orchestrator.models.processes import Process
from orchestrator.models.runs import Run, TaskRun
from orchestrator.models.talk import Attachment, Comment, Question
from orchestrator.models.templates import TeamTemplate, TeamTemplateVersion
from orchestrator.models.workflows import Workflow, WorkflowVersion

__all__ = [
    "Agent",
    "AgentToken",
    "ApiToken",
    "Approval",
    "Approver",
    "Artifact",
    "Attachment",
    "ChatHook",
    "Comment",
    "Delegation",
    "Delivery",
    "Event",
    "Hidden",
    "Lease",
    "LogLine",
    "Notice",
    "NoticePreference",
    "Process",
    "Question",
    "Run",
    "Secret",
    "SignInFailure",
    "TaskRun",
    "TeamTemplate",
    "TeamTemplateVersion",
    "Vote",
    "Workflow",
    "WorkflowVersion",
]
