"""What people are to do: their list, one task with its form and files, and handing it in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orchestrator import conf
from orchestrator.downloads import download
from orchestrator.engine import agent_work, artifacts
from orchestrator.engine.limits import COMMENT_LENGTH, REASON_LENGTH
from orchestrator.engine.plans import plan_for
from orchestrator.exceptions import InvalidError
from orchestrator.files import in_words
from orchestrator.reads.my_tasks import ToDo, asked_for, to_do, to_dos, waiting
from orchestrator.reads.shown import Entry, entries
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import CompleteForm, ParametersForm
from orchestrator.web.uploads import uploads_of

_TOLD = ("description", "instructions", "title")


class NoteForm(forms.Form):
    """What somebody says of work of which nothing in particular is asked."""

    note = forms.CharField(
        required=False,
        max_length=COMMENT_LENGTH,
        label="What came of it",
        widget=forms.Textarea(attrs={"class": "input", "rows": 4}),
        help_text="The tasks after it see it.",
    )


class DeclineForm(forms.Form):
    """Why somebody cannot do it."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        label="Why it cannot be done",
        widget=forms.Textarea(attrs={"class": "input", "rows": 3}),
    )


@require_safe
@never_cache
def my_tasks(request: HttpRequest) -> HttpResponse:
    """What waits for this person, the oldest first."""
    person = _person(request)
    context = {"to_dos": to_dos(person), "all": waiting(person).count()}
    return answer(request, "my_tasks/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@refusals_as_pages
def my_task(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them: what is to be done, and the forms by which it is done or declined."""
    person = _person(request)
    found = to_do(person, get_object_or_404(waiting(person).select_related("run__workflow"), pk=pk))
    form, declined = _form(found, request), DeclineForm(_data(request, "decline"), auto_id="decline-%s")
    if request.method == "POST":
        if "decline" in request.POST and declined.is_valid():
            agent_work.decline(found.agent, found.task_run, declined.cleaned_data["reason"])
            return go(request, reverse("my-tasks"), f"You declined “{found.name}”.")
        if "decline" not in request.POST and form.is_valid() and _handed_in(found, form, request):
            return go(request, reverse("my-tasks"), f"“{found.name}” is done.")
    context = {"to_do": found, "form": form, "decline_form": declined, **_told(found), **_files(found)}
    status = UNPROCESSABLE if request.method == "POST" else 200
    return answer(request, "my_tasks/detail.html", context, status=status)


@require_safe
@never_cache
def my_task_file(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """A file that a task before it has handed in."""
    task_run = get_object_or_404(waiting(_person(request)).select_related("run"), pk=pk)
    found = get_object_or_404(artifacts.of_tasks_before(task_run), pk=file)
    return download(found.key, found.name, found.content_type)


def _files(found: ToDo) -> dict[str, Any]:
    """What the tasks before have handed in, and how large a file may be that is handed in now."""
    return {
        "files_before": artifacts.of_tasks_before(found.task_run),
        "most": in_words(conf.file_max_bytes()),
        "many": f"{artifacts.MOST_ARTIFACTS} at most",
    }


def _handed_in(found: ToDo, form: forms.Form, request: HttpRequest) -> bool:
    """Whether it was taken; what was wrong stands beside the fields."""
    output = _output(form, _person(request))
    try:
        with artifacts.keeping(uploads_of(request)) as kept:
            agent_work.hand_in(found.agent, found.task_run, output, partial(artifacts.add, kept=kept))
    except InvalidError as error:
        form.add_error(None, error.message)
        return False
    return True


def _output(form: forms.Form, person: User) -> Any:
    match form:
        case ParametersForm():
            return form.values()
        case CompleteForm():
            return form.cleaned_data["output"]
    return {"done_by": person.get_username(), "note": form.cleaned_data["note"]}


def _form(found: ToDo, request: HttpRequest) -> forms.Form:
    """What the output is to be decides what is asked for."""
    schema = plan_for(found.task_run.run.version_id).tasks[found.task_run.key].output_schema
    fields, data = asked_for(schema), _data(request, "done")
    if fields:
        return ParametersForm(fields, data)
    return CompleteForm(data) if schema else NoteForm(data)


def _data(request: HttpRequest, button: str) -> Any:
    return request.POST if request.method == "POST" and button in request.POST else None


def _told(found: ToDo) -> dict[str, Any]:
    """Instructions as text, and whatever else the task is given as a table."""
    try:
        given = agent_work.shown_parameters(found.task_run)
    except InvalidError as error:
        return {"untold": error.message}
    told = {name: given[name] for name in _TOLD if isinstance(given.get(name), str)}
    rest: list[Entry] = entries({name: value for name, value in given.items() if name not in told})
    return {"instructions": list(told.values()), "given": rest}


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
