"""The page on which a draft is drawn. It hands the draft to the scripts; what they do goes through the API."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from editor import drafts
from editor.api import DraftSerializer, findings
from editor.inspector.workflow_panel import workflow_panel
from orchestrator import actions
from orchestrator.models import Workflow
from orchestrator.permissions import require, workflows_for
from orchestrator.web.answers import answer, refusals_as_pages
from orchestrator.web.forms import new_idempotency_key

_PARTS: Final = {"work": "Work", "person": "People", "condition": "Logic"}
# The palette has room for four words, where the help has sentences.
_ABOUT: Final = {
    "agent_task": "program, AI or person",
    "file_operation": "copy, move, archive",
    "api_call": "HTTP, with retries",
    "workflow_trigger": "as a step of this one",
    "approval_gate": "who, and by when",
    "condition_check": "choose the way on",
}


@require_safe
@refusals_as_pages
def edit_canvas(request: HttpRequest, key: str) -> HttpResponse:
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design", workflow)
    assert isinstance(request.user, User)
    draft = drafts.draft_of(workflow, request.user)
    known = palette()
    parts = [
        {"title": title, "actions": [one for one in known if one["kind"] == kind]}
        for kind, title in _PARTS.items()
    ]
    came_from = (
        workflows_for(request.user).filter(key=request.GET.get("from", "")[:80]).exclude(pk=workflow.pk)
    )
    context = {
        "workflow": workflow,
        "came_from": came_from.first(),
        "draft": draft,
        "panel": workflow_panel(draft.definition, draft.issues),
        "data": _data(request, workflow, draft),
        "parts": parts,
        "once": new_idempotency_key(),
    }
    return answer(request, "editor/canvas.html", context)


def palette() -> list[dict[str, str]]:
    """The actions as the editor offers them, in their order."""
    return [
        {
            "name": one.name,
            "label": one.label,
            "kind": one.kind,
            "icon": one.icon,
            "about": _ABOUT.get(one.name, ""),
        }
        for one in actions.all_actions()
    ]


def _data(request: HttpRequest, workflow: Workflow, draft: drafts.Draft) -> dict[str, Any]:
    return {
        "key": workflow.key,
        "name": workflow.name,
        "place": f"{request.user.pk}:{workflow.pk}",
        "draft": {**DraftSerializer(draft).data, "issues": findings(draft)},
        "actions": {one["name"]: one for one in palette()},
        "api": reverse("draft:read", args=[workflow.key]).rstrip("/"),
        "inspector": reverse("workflow-inspector", args=[workflow.key]),
        "tryPage": reverse("workflow-try", args=[workflow.key]),
        "socket": f"/ws/workflows/{workflow.key}/",
        "csrf": get_token(request),
    }
