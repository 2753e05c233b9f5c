"""What is stored after a request: a dump to compare."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from editor.models import DraftChange, Pin
from orchestrator.models import (
    Agent,
    AgentToken,
    ApiToken,
    Approval,
    Artifact,
    Attachment,
    ChatHook,
    Comment,
    Delegation,
    Hidden,
    Lease,
    LogLine,
    Notice,
    NoticePreference,
    Question,
    Run,
    Secret,
    TeamTemplateVersion,
    Vote,
    Workflow,
)
from tests.crash.endpoints import NEW_PASSWORD


def left() -> dict[str, Any]:
    """What is stored, apart from ids, times and random texts."""
    return {
        "workflows": [
            (w.key, bool(w.archived_at), w.draft_rev, w.draft["name"], w.name, w.versions.count())
            for w in Workflow.objects.order_by("key")
        ],
        "changes": list(DraftChange.objects.order_by("workflow__key", "rev").values_list("rev", "kind")),
        "pins": list(Pin.objects.order_by("task").values_list("task", "data")),
        "runs": [
            (
                r.status,
                r.is_trial,
                r.seq,
                r.events.count(),
                sorted(r.tasks.values_list("key", "status", "claim")),
            )
            for r in Run.objects.order_by("pk")
        ],
        "approvals": sorted(Approval.objects.values_list("status", "comment")),
        "comments": sorted(Comment.objects.values_list("person__username", "text")),
        "attachments": sorted(Attachment.objects.values_list("name", "size", "sha256")),
        "questions": sorted(Question.objects.values_list("text", "outcome", "answer")),
        "delegations": sorted(
            (one.person.username, one.to.username, one.reason, bool(one.revoked_at))
            for one in Delegation.objects.select_related("person", "to")
        ),
        "votes": sorted(Vote.objects.values_list("decision", flat=True)),
        "templates": sorted(
            (one.template.key, bool(one.template.retired_at), one.number, one.documentation)
            for one in TeamTemplateVersion.objects.select_related("template")
        ),
        "tokens": sorted((t.name, bool(t.revoked_at)) for t in ApiToken.objects.all()),
        "agents": sorted(Agent.objects.values_list("key", "state", "capacity")),
        "agent tokens": sorted((t.agent.key, bool(t.revoked_at)) for t in AgentToken.objects.all()),
        "leases": sorted(Lease.objects.values_list("agent__key", "claim", "outcome", "logged")),
        "artifacts": sorted(Artifact.objects.values_list("name", "attempt", "size")),
        "lines": sorted(LogLine.objects.values_list("message", flat=True)),
        "secrets": sorted(Secret.objects.values_list("name", "description")),
        "chats": sorted(ChatHook.objects.values_list("name", "kind", "paused_at__year")),
        "preferences": sorted(NoticePreference.objects.values_list("user__username", "mail", "hour", "zone")),
        "notices": sorted(Notice.objects.values_list("kind", flat=True)),
        "hidden": sorted(Hidden.objects.values_list("user__username", "what")),
        "people": sorted((u.username, u.check_password(NEW_PASSWORD)) for u in User.objects.all()),
    }
