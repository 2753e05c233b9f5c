"""What the inspector asks the server for: the panel, the names an expression may use, and what one would give."""

from __future__ import annotations

from typing import Any, Final, cast

from django.contrib.auth.models import Group
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from editor.inspector.controls import Step
from editor.inspector.evaluate import KINDS, LONGEST_TEXT, Kind, evaluate
from editor.inspector.known import Known
from editor.inspector.task_panel import task_panel
from editor.inspector.workflow_panel import workflow_panel
from editor.operations.graph import tasks_of
from editor.steps import as_map
from orchestrator import catalog, conf, engine
from orchestrator.definition import DefinitionError, strict_json
from orchestrator.definition.expressions.functions import FUNCTIONS
from orchestrator.exceptions import InvalidError
from orchestrator.models import Workflow
from orchestrator.permissions import require, runs_for, workflows_for
from orchestrator.reads.past import past_task
from orchestrator.web.answers import answer, refusals_as_pages

_MOST_SUGGESTED: Final = 200


@require_safe
@never_cache
@refusals_as_pages
def workflow(request: HttpRequest, key: str) -> HttpResponse:
    """The fields of the workflow as a whole."""
    found = _workflow(request, key)
    panel = workflow_panel(found.draft, engine.check_definition(found.draft).issues)
    return answer(request, "editor/_inspector_workflow.html", {"workflow": found, "panel": panel})


@require_safe
@never_cache
@refusals_as_pages
def task(request: HttpRequest, key: str, task: str) -> HttpResponse:
    """The fields of one task, with its problems and what it was given and gave when it ran last. Nothing for one that is
    not there: while somebody draws, a task may come or go between the question and the answer."""
    found = _workflow(request, key)
    if not isinstance(tasks_of(found.draft).get(task), dict):
        return HttpResponse(status=204)
    issues = engine.check_definition(found.draft).issues
    context = {
        "workflow": found,
        "panel": task_panel(found.draft, task, issues, _suggestions(request, found)),
        "past": past_task(runs_for(request.user), found.pk, task),
    }
    return answer(request, "editor/_inspector.html", context)


@require_safe
@never_cache
@refusals_as_pages
def known(request: HttpRequest, key: str, task: str) -> JsonResponse:
    """What an expression in this task may name, with its value in the last run."""
    found = _workflow(request, key)
    _require_task(found, task)
    names = Known(found, task, runs_for(request.user)).names()
    functions = [{"name": one.name, "usage": one.usage} for one in FUNCTIONS.values()]
    return JsonResponse({"names": [one.as_json() for one in names], "functions": functions})


@require_POST
@never_cache
@refusals_as_pages
def try_out(request: HttpRequest, key: str) -> JsonResponse:
    """What a text would give with the values of the last run. Changes nothing: it is a POST because texts are long."""
    found = _workflow(request, key)
    task, text = request.POST.get("task", ""), request.POST.get("text", "")
    kind, path = request.POST.get("kind", "expression"), _path(request.POST.get("path", "[]"))
    if kind not in KINDS:
        raise InvalidError(f"kind is one of {', '.join(KINDS)}.")
    if len(text) > LONGEST_TEXT:
        raise InvalidError("This text is too long to be tried out.")
    _require_task(found, task)
    runs = runs_for(request.user)
    return JsonResponse(evaluate(Known(found, task, runs), text, cast("Kind", kind), path).as_json())


def _workflow(request: HttpRequest, key: str) -> Workflow:
    found = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design", found)
    return found


def _require_task(workflow: Workflow, task: str) -> None:
    if not isinstance(tasks_of(workflow.draft).get(task), dict):
        raise Http404


def _path(text: str) -> list[Step]:
    try:
        found = strict_json.loads(text, max_bytes=4_000)
    except DefinitionError:
        found = None
    if not isinstance(found, list) or not all(type(one) in (str, int) for one in found) or _is_place(found):
        raise InvalidError("path is a JSON list: the key of a field, then keys and places in lists.")
    return found


def _is_place(path: list[Step]) -> bool:
    """Whether it begins within a list, and so with no field of a task."""
    return bool(path) and not isinstance(path[0], str)


def _suggestions(request: HttpRequest, workflow: Workflow) -> dict[str, list[str]]:
    """Names that are known here, for fields that take one."""
    used = [as_map(one).get("agent_id") for one in tasks_of(workflow.draft).values()]
    agents = [name for name in used if isinstance(name, str) and "{{" not in name]
    groups = Group.objects.order_by("name").values_list("name", flat=True)
    workflows = workflows_for(request.user).filter(archived_at=None).exclude(pk=workflow.pk).order_by("key")
    found: dict[str, Any] = {
        "agent": dict.fromkeys(["system", *conf.agents(), *agents]),
        "people": [f"group:{name}" for name in groups],
        "workflow": workflows.values_list("key", flat=True)[:_MOST_SUGGESTED],
        "template": [one.key for one in catalog.templates()],
    }
    return {name: list(names)[:_MOST_SUGGESTED] for name, names in found.items()}
