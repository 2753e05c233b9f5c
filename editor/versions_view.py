"""Any two versions of a workflow side by side, its draft among them, and how to go back to one."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from editor import drafts
from editor.comparison import compare
from editor.listing import shown
from orchestrator.definition import migrate
from orchestrator.models import Workflow
from orchestrator.permissions import can, require, workflows_for
from orchestrator.web.answers import answer, go, refusals_as_pages

DRAFT: Final = "draft"
_GLYPHS: Final = {"added": "+", "removed": "−", "changed": "~", "moved": "↔"}


@require_safe
@refusals_as_pages
def diff(request: HttpRequest, key: str, before: str, after: str) -> HttpResponse:
    """What came, went and changed from one version to another, field by field."""
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    may_design = can(request.user, "design", workflow)
    if DRAFT in (before, after):
        require(request.user, "design", workflow)
    old, new = _definition(workflow, before), _definition(workflow, after)
    numbers = [str(number) for number in workflow.versions.values_list("number", flat=True)]
    context = {
        "workflow": workflow,
        "before": before,
        "after": after,
        "choices": [*([DRAFT] if may_design else []), *numbers],
        "tasks": [_told(one) for one in compare(old, new)],
        "may_restore": may_design and before != DRAFT,
        "rev": workflow.draft_rev,
    }
    return answer(request, "editor/diff.html", context)


@require_safe
@refusals_as_pages
def choose(request: HttpRequest, key: str) -> HttpResponse:
    """The two that were picked in the form of the page."""
    sides = [request.GET.get(name, "") for name in ("before", "after")]
    if not all(side == DRAFT or side.isdecimal() for side in sides):
        raise Http404
    return go(request, reverse("workflow-diff", args=[key, *sides]))


@require_http_methods(["POST"])
@refusals_as_pages
def restore(request: HttpRequest, key: str) -> HttpResponse:
    """The draft becomes what that version is. It is an edit like any other, and can be undone."""
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design", workflow)
    assert isinstance(request.user, User)
    number, rev = (request.POST.get(name, "") for name in ("version", "base_rev"))
    definition = _definition(workflow, number)
    base_rev = int(rev) if rev.isdecimal() and len(rev) < 10 else workflow.draft_rev
    drafts.change_to(workflow, definition, base_rev=base_rev, user=request.user)
    said = f"The draft is now as version {number} was. Undo takes that back."
    return go(request, reverse("workflow-edit", args=[key]), said)


def _definition(workflow: Workflow, side: str) -> dict[str, Any]:
    """In the current schema, so that an older one differs only in what it means."""
    if side == DRAFT:
        return workflow.draft
    if not side.isdecimal() or len(side) > 9:
        raise Http404
    version = get_object_or_404(workflow.versions, number=int(side))
    return migrate(version.definition).data


def _told(one: Any) -> dict[str, Any]:
    fields = [
        {"field": field.field, "was": shown(field.was), "now": shown(field.now)} for field in one.fields
    ]
    return {"key": one.key, "name": one.name, "how": one.how, "glyph": _GLYPHS[one.how], "fields": fields}
