"""The pages of agents: who there is, what each does, and, for administrators, their registration and tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestrator import tokens
from orchestrator.engine import agents
from orchestrator.engine.agents import revision_of
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Agent
from orchestrator.permissions import agents_for, can, require
from orchestrator.reads import agents as reads
from orchestrator.reads.agent_report import report
from orchestrator.reads.shown import entries
from orchestrator.web.agent_forms import AgentEditForm, AgentForm, AgentTokenForm, Dispute, described_by
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.offers import agent_verbs

CREATED: Final = 201
REPORTED: Final = timedelta(days=1)


@require_safe
@never_cache
@refusals_as_pages
def agent_list(request: HttpRequest) -> HttpResponse:
    """All agents, filtered by the address; and what waits for agents that are not there."""
    require(request.user, "view")
    show = request.GET.get("show", "")
    query = reads.AgentQuery(
        text=request.GET.get("q", "").strip()[:200],
        show=show if show in reads.LOOKS else "",
        after=request.GET.get("after", "")[:80],
    )
    visible = agents_for(request.user)
    counts = reads.agent_counts(visible)
    context = {
        "query": query,
        "page": reads.agent_page(visible, query),
        "counts": counts,
        "filters": [(name, look, counts[name]) for name, look in reads.LOOKS.items()],
        "filtered": bool(query.text or query.show),
        "waits": reads.waits(),
        "may_change": can(request.user, "admin"),
    }
    return answer(request, "agents/list.html", context, part="agents/_results.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@refusals_as_pages
def agent_new(request: HttpRequest) -> HttpResponse:
    """Register an agent. Its token is in the answer to the form and nowhere else."""
    require(request.user, "admin")
    data = request.POST if request.method == "POST" else None
    form = AgentForm(data, initial=described_by(request.GET.get("for", "")[:200]))
    if form.is_valid():
        try:
            agent, _, text = tokens.register_agent(form.cleaned_data["id"], **form.given())
        except InvalidError as error:
            form.take(error.issues)
        except ConflictError as error:
            form.add_error("id", error.message)
        else:
            return _page(request, agent, new_token=text, status=CREATED)
    status = UNPROCESSABLE if form.is_bound else 200
    return answer(request, "agents/new.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@refusals_as_pages
def agent_edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change what is said of an agent. What was changed meanwhile is shown beside what was typed, and nothing is stored."""
    agent = _agent(request, key)
    require(request.user, "admin")
    form = AgentEditForm(request.POST if request.method == "POST" else None, agent)
    status, disputes = UNPROCESSABLE if form.is_bound else 200, list[Dispute]()
    if form.is_valid():
        try:
            agents.describe(agent, seen=form.cleaned_data["seen"], **form.given())
        except InvalidError as error:
            form.take(error.issues)
        except ConflictError as error:
            status = error.status
            if error.code == "changed":
                disputes = form.disputes()
            else:
                form.add_error("transport", error.message)
        else:
            return go(request, reverse("agent-detail", args=[agent.key]), f"{agent.name} was changed.")
    context = {"agent": agent, "form": form, "seen": revision_of(agent), "disputes": disputes}
    return answer(request, "agents/edit.html", context, status=status)


@require_safe
@never_cache
@refusals_as_pages
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One agent: what it holds, what it did and how well, its tokens."""
    return _page(request, _agent(request, key))


@require_POST
@never_cache
@refusals_as_pages
def token_new(request: HttpRequest, key: str) -> HttpResponse:
    """Make a token, which is in the answer and nowhere else."""
    agent = _agent(request, key)
    require(request.user, "admin")
    form = AgentTokenForm(request.POST)
    if form.is_valid():
        try:
            _, text = tokens.issue_for_agent(agent, form.cleaned_data["name"])
        except ConflictError as error:
            form.add_error("name", error.message)
        else:
            return _page(request, agent, new_token=text, status=CREATED)
    return _page(request, agent, form, status=UNPROCESSABLE)


@require_POST
@refusals_as_pages
def token_revoke(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    agent = _agent(request, key)
    require(request.user, "admin")
    token = get_object_or_404(agent.tokens.all(), pk=pk)
    tokens.revoke(token)
    said = f"The token {token.name or token.prefix} no longer works."
    return go(request, reverse("agent-detail", args=[agent.key]), said)


@require_POST
@refusals_as_pages
def agent_action(request: HttpRequest, key: str, verb: str) -> HttpResponse:
    """Drain, give work again, or remove."""
    if verb not in _VERBS:
        raise Http404
    agent = _agent(request, key)
    require(request.user, "admin")
    carry_out, said = _VERBS[verb]
    carry_out(agent)
    return go(request, _after(request, agent, verb), said.format(agent.name))


def _after(request: HttpRequest, agent: Agent, verb: str) -> str:
    """Back to the run whose page the button stood on, else on to the agent."""
    run = request.POST.get("run", "")
    if run.isascii() and run.isdigit() and len(run) < 19:
        return reverse("run-detail", args=[int(run)])
    return reverse("agent-list") if verb == "remove" else reverse("agent-detail", args=[agent.key])


_VERBS: Final[dict[str, tuple[Callable[[Agent], object], str]]] = {
    "drain": (agents.drain, "{} gets nothing new; what it holds it may finish."),
    "activate": (agents.activate, "{} is given work again."),
    "remove": (agents.remove, "{} is no longer registered."),
}


def _agent(request: HttpRequest, key: str) -> Agent:
    return get_object_or_404(agents_for(request.user).select_related("user"), key=key)


def _page(
    request: HttpRequest,
    agent: Agent,
    form: AgentTokenForm | None = None,
    *,
    new_token: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page of the agent; `new_token` is shown this once."""
    (figures,) = report(timezone.now() - REPORTED, Agent.objects.filter(pk=agent.pk))
    context: dict[str, Any] = {
        "agent": agent,
        "figures": figures,
        "resources": entries(agent.resources),
        "held": reads.held_by(agent),
        "past": reads.past_of(agent),
        "waiting": reads.waiting_count(agent),
        "tokens": agent.tokens.filter(revoked_at=None),
        "form": form or AgentTokenForm(),
        "new_token": new_token,
        "here": request.build_absolute_uri("/").rstrip("/"),
        "verbs": agent_verbs(request.user, agent, figures.load),
        "may_change": can(request.user, "admin"),
    }
    return answer(request, "agents/detail.html", context, status=status)
