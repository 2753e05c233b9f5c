"""The page on which people choose their mails, and that on which administrators say which chats are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orchestrator import conf
from orchestrator.exceptions import BatonError, InvalidError
from orchestrator.models import ChatHook, NoticePreference
from orchestrator.notices import hooks
from orchestrator.notices.digests import choose
from orchestrator.permissions import require
from orchestrator.reads.notices import chats
from orchestrator.web.answers import UNPROCESSABLE, go, refusals_as_pages
from orchestrator.web.notice_forms import ChatForm, NoticeForm

_CREATED: Final = 201


@never_cache
@require_http_methods(["GET", "POST"])
def notice_settings(request: HttpRequest) -> HttpResponse:
    """Which mails one gets: each at once, one a day, or none."""
    chosen = NoticePreference.objects.filter(user=request.user).first() or NoticePreference()
    now = {"mail": chosen.mail, "hour": chosen.hour, "zone": chosen.zone}
    form = NoticeForm(request.POST or None, initial=now)
    if form.is_valid():
        choose(request.user, now=timezone.now(), **form.cleaned_data)
        messages.success(request, "Your choice is kept.")
        return redirect("notice-settings")
    context = {"form": form, "chosen": chosen}
    return render(request, "accounts/notices.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@refusals_as_pages
@never_cache
@sensitive_post_parameters("url")
@require_http_methods(["GET", "POST"])
def chat_list(request: HttpRequest) -> HttpResponse:
    """The chats that are told. The key of a new one is in the answer to the form that made it and nowhere else."""
    require(request.user, "admin")
    form = ChatForm(request.POST or None)
    if form.is_valid():
        try:
            hook, key = hooks.add(**form.cleaned_data, user=request.user)
        except BatonError as error:
            _put(error, form)
        else:
            if key:
                return _page(request, ChatForm(), _CREATED, made=hook, key=key)
            return go(request, reverse("chats"), f"{hook.name} is told from now on. Send it a test message.")
    return _page(request, form, UNPROCESSABLE if form.is_bound else 200)


def _put(error: BatonError, form: ChatForm) -> None:
    """The refusal beside the field it is about."""
    issues = error.issues if isinstance(error, InvalidError) else ()
    place = issues[0].path if issues else "name"
    form.add_error(place if place in form.fields else None, error.message)


def _page(
    request: HttpRequest, form: ChatForm, status: int, *, made: ChatHook | None = None, key: str = ""
) -> HttpResponse:
    context = {"form": form, "chats": chats(), "made": made, "new_key": key}
    return render(request, "accounts/chats.html", context, status=status)


@refusals_as_pages
@require_POST
def chat_action(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Send a test message, pause, go on, or remove."""
    require(request.user, "admin")
    if verb not in _VERBS:
        raise Http404
    hook = get_object_or_404(ChatHook, pk=pk)
    ok, said = _VERBS[verb](hook)
    (messages.success if ok else messages.error)(request, said)
    return go(request, reverse("chats"))


def _test(hook: ChatHook) -> tuple[bool, str]:
    ok, said = hooks.try_out(hook, conf.base_url(), timezone.now())
    return ok, f"{hook.name}: {said}"


def _pause(hook: ChatHook) -> tuple[bool, str]:
    hooks.pause(hook, paused=True)
    return True, f"{hook.name} is told nothing for now."


def _resume(hook: ChatHook) -> tuple[bool, str]:
    hooks.pause(hook, paused=False)
    return True, f"{hook.name} is told again from now on."


def _remove(hook: ChatHook) -> tuple[bool, str]:
    hooks.remove(hook)
    return True, f"{hook.name} is removed."


_VERBS: Final[dict[str, Callable[[ChatHook], tuple[bool, str]]]] = {
    "test": _test,
    "pause": _pause,
    "resume": _resume,
    "remove": _remove,
}
