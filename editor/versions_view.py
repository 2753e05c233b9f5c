"""Any two versions of a workflow side by side, its draft among them, and how to go back to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from editor import drafts
from editor.comparison import TaskDifference, compare, counts
from editor.drawing import union
from editor.listing import shown
from orchestrator.definition import migrate
from orchestrator.models import Workflow
from orchestrator.permissions import can, require, workflows_for
from orchestrator.web.answers import answer, go, refusals_as_pages

DRAFT: Final = "draft"
MOST_SHOWN: Final = 200  # tasks with their fields on one page
_GLYPHS: Final = {"added": "+", "removed": "−", "changed": "~", "renamed": "→", "moved": "↔"}


@require_safe
@refusals_as_pages
def diff(request: HttpRequest, key: str, before: str, after: str) -> HttpResponse:
    """What came, went and changed from one version to another: drawn, and field by field."""
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    may_design = can(request.user, "design", workflow)
    if DRAFT in (before, after):
        require(request.user, "design", workflow)
    old, new = _definition(workflow, before), _definition(workflow, after)
    numbers = [str(number) for number in workflow.versions.values_list("number", flat=True)]
    found = compare(old, new)
    start = _start(request, found)
    context = {
        "workflow": workflow,
        "before": before,
        "after": after,
        "choices": [*([DRAFT] if may_design else []), *numbers],
        "tasks": [_told(one) for one in found[start : start + MOST_SHOWN]],
        "found": len(found),
        "counts": [{"how": how, "number": n, "glyph": _GLYPHS[how]} for how, n in counts(found).items()],
        "itself": any(not one.key for one in found),
        "drawing": union(old, new, found) if found else None,
        "picture": f"{workflow.key}-{before}-{after}",
        "start": start,
        "end": min(start + MOST_SHOWN, len(found)),
        "previous": max(0, start - MOST_SHOWN),
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


def _start(request: HttpRequest, found: Sequence[TaskDifference]) -> int:
    """Where the rows of this page begin: on the page of the task that was asked for, or where `from` says."""
    keys = [one.key for one in found]
    wanted, begin = request.GET.get("task", ""), request.GET.get("from", "")
    if wanted in keys:
        return keys.index(wanted) // MOST_SHOWN * MOST_SHOWN
    place = int(begin) if begin.isdecimal() and len(begin) < 6 else 0
    return place if place < len(found) else 0


def _definition(workflow: Workflow, side: str) -> dict[str, Any]:
    """In the current schema, so that an older one differs only in what it means."""
    if side == DRAFT:
        return workflow.draft
    if not side.isdecimal() or len(side) > 9:
        raise Http404
    version = get_object_or_404(workflow.versions, number=int(side))
    return migrate(version.definition).data


def _told(one: TaskDifference) -> dict[str, Any]:
    fields = [
        {"field": field.field, "was": shown(field.was), "now": shown(field.now)} for field in one.fields
    ]
    return {"key": one.key, "name": one.name, "how": one.how, "glyph": _GLYPHS[one.how], "fields": fields}
