"""Agents: their register for people who administer it, and the routes on which agents fetch and settle their work."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import tokens
from orchestrator.api.agent_shapes import (
    AgentPageSerializer,
    AgentSerializer,
    AgentTokenSerializer,
    AssignmentsSerializer,
    ChangedAgentSerializer,
    ClaimSerializer,
    CompletionSerializer,
    DescriptionSerializer,
    FailureSerializer,
    LinesSerializer,
    NewAgentSerializer,
    NewAgentTokenSerializer,
    NewTokenSerializer,
    SettledSerializer,
    SignSerializer,
)
from orchestrator.api.authentication import AgentAuthentication
from orchestrator.api.base import ApiView, page
from orchestrator.api.openapi import operation
from orchestrator.api.requests import PageQuery
from orchestrator.engine import agent_work, agents
from orchestrator.exceptions import NotAllowedError
from orchestrator.models import Agent, AgentToken, Lease
from orchestrator.permissions import agents_for, require


class AgentsView(ApiView):
    @operation("agents_list", "List agents", answers=AgentPageSerializer, query=PageQuery)
    def get(self, request: Request) -> Response:
        return page(agents_for(request.user), self.query(PageQuery), AgentSerializer)

    @operation(
        "agents_create",
        "Register an agent",
        answers=NewAgentTokenSerializer,
        takes=NewAgentSerializer,
        errors=(403, 409, 415),
        code=201,
    )
    def post(self, request: Request) -> Response:
        """The answer holds a token of the agent, which is shown this once."""
        require(request.user, "admin")
        given = self.body(NewAgentSerializer)
        agent, token, text = tokens.register_agent(given.pop("id"), **given)
        answer = NewAgentTokenSerializer({"agent": agent, "id": token.pk, "token": text})
        return Response(answer.data, status=201)


class AgentView(ApiView):
    @operation("agents_read", "Read an agent", answers=AgentSerializer, errors=(404,))
    def get(self, request: Request, key: str) -> Response:
        return Response(AgentSerializer(get_object_or_404(agents_for(request.user), key=key)).data)

    @operation(
        "agents_change",
        "Change what is said of an agent",
        answers=AgentSerializer,
        takes=ChangedAgentSerializer,
        errors=(403, 404, 409, 415),
    )
    def patch(self, request: Request, key: str) -> Response:
        """Only the fields that are given."""
        agent = get_object_or_404(agents_for(request.user), key=key)
        require(request.user, "admin")
        given = self.body(ChangedAgentSerializer)
        seen = given.pop("revision", "")
        return Response(AgentSerializer(agents.describe(agent, seen=seen, **given)).data)


class AgentStateView(ApiView):
    """What draining and activating share."""

    def turn(self, request: Request, key: str, *, drained: bool) -> Response:
        agent = get_object_or_404(agents_for(request.user), key=key)
        require(request.user, "admin")
        return Response(AgentSerializer((agents.drain if drained else agents.activate)(agent)).data)


class DrainView(AgentStateView):
    @operation("agents_drain", "Give an agent nothing new", answers=AgentSerializer, errors=(403, 404, 415))
    def post(self, request: Request, key: str) -> Response:
        """What it holds it may finish."""
        return self.turn(request, key, drained=True)


class ActivateView(AgentStateView):
    @operation("agents_activate", "Give an agent work again", answers=AgentSerializer, errors=(403, 404, 415))
    def post(self, request: Request, key: str) -> Response:
        """After draining, or out of quarantine."""
        return self.turn(request, key, drained=False)


class AgentTokensView(ApiView):
    @operation(
        "agent_tokens_create",
        "Make a token for an agent",
        answers=NewAgentTokenSerializer,
        takes=NewTokenSerializer,
        errors=(403, 404, 409, 415),
        code=201,
    )
    def post(self, request: Request, key: str) -> Response:
        """It is shown this once."""
        agent = get_object_or_404(agents_for(request.user), key=key)
        require(request.user, "admin")
        token, text = tokens.issue_for_agent(agent, self.body(NewTokenSerializer)["name"])
        answer = NewAgentTokenSerializer({"agent": agent, "id": token.pk, "token": text})
        return Response(answer.data, status=201)


class AgentTokenView(ApiView):
    @operation(
        "agent_tokens_revoke", "Revoke a token of an agent", answers=AgentTokenSerializer, errors=(403, 404)
    )
    def delete(self, request: Request, key: str, pk: int) -> Response:
        """It opens nothing from the next request on."""
        agent = get_object_or_404(agents_for(request.user), key=key)
        require(request.user, "admin")
        token = get_object_or_404(agent.tokens, pk=pk)
        tokens.revoke(token)
        token.refresh_from_db()
        return Response(AgentTokenSerializer(token).data)


# What agents themselves ask


class _IsAgent(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - the framework's signature
        return isinstance(request.auth, AgentToken)


class AgentWorkView(ApiView):
    """Routes that take the token of an agent and no other."""

    authentication_classes = (AgentAuthentication,)
    permission_classes = (_IsAgent,)

    def agent(self, request: Request, key: str | None = None) -> Agent:
        token = request.auth
        assert isinstance(token, AgentToken)
        if key is not None and token.agent.key != key:
            raise NotAllowedError(f"This token is that of {token.agent.key}.")
        return token.agent

    def lease(self, request: Request, pk: int) -> Lease:
        agent = self.agent(request)
        agents.seen([agent.pk])
        return agent_work.find_lease(agent, pk)


class SelfView(AgentWorkView):
    @operation(
        "agent_register",
        "Say what you can do",
        answers=AgentSerializer,
        takes=DescriptionSerializer,
        errors=(403, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """For an agent that starts: what it gives replaces what was known of it, what it leaves out stays."""
        agent = self.agent(request, key)
        agents.seen([agent.pk])
        return Response(AgentSerializer(agents.describe(agent, **self.body(DescriptionSerializer))).data)


class ClaimView(AgentWorkView):
    @operation(
        "agent_claim",
        "Fetch work",
        answers=AssignmentsSerializer,
        takes=ClaimSerializer,
        errors=(403, 415),
    )
    def post(self, request: Request, key: str) -> Response:
        """Waits up to `wait` seconds for a task. `tasks` is empty when none came: ask again."""
        agent = self.agent(request, key)
        agents.seen([agent.pk])
        given = self.body(ClaimSerializer)
        return Response(AssignmentsSerializer({"tasks": agent_work.take(agent, given["most"])}).data)


class HeartbeatView(AgentWorkView):
    @operation("lease_heartbeat", "Keep a lease", answers=SignSerializer, errors=(404, 409, 415))
    def post(self, request: Request, pk: int) -> Response:
        """At least every 20 seconds. `cancelled` tells to stop; 409 `lease_lost` that somebody else has the task."""
        return Response(SignSerializer(agent_work.keep_alive(self.lease(request, pk))).data)


class LeaseLogView(AgentWorkView):
    @operation(
        "lease_log",
        "Add to the log of a task",
        answers=SettledSerializer,
        takes=LinesSerializer,
        errors=(404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Up to 100 lines at once; people see them on the page of the run."""
        lines = [(line["level"], line["message"]) for line in self.body(LinesSerializer)["lines"]]
        agent_work.write_log(self.lease(request, pk), lines)
        return Response(SettledSerializer({"status": "stored"}).data)


class CompleteView(AgentWorkView):
    @operation(
        "lease_complete",
        "Finish a task",
        answers=SettledSerializer,
        takes=CompletionSerializer,
        errors=(404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """With any JSON value as its output. One that does not meet the output schema ends the attempt as a failed one."""
        agent_work.complete(self.lease(request, pk), self.body(CompletionSerializer)["output"])
        return Response(SettledSerializer({"status": "completed"}).data)


class FailView(AgentWorkView):
    @operation(
        "lease_fail",
        "Say that an attempt failed",
        answers=SettledSerializer,
        takes=FailureSerializer,
        errors=(404, 409, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        """`retryable`: whether it is worth another try."""
        agent_work.fail(self.lease(request, pk), **self.body(FailureSerializer))
        return Response(SettledSerializer({"status": "failed"}).data)


class ReleaseView(AgentWorkView):
    @operation("lease_release", "Give a task back undone", answers=SettledSerializer, errors=(404, 409, 415))
    def post(self, request: Request, pk: int) -> Response:
        """It is given to another; the attempt does not count."""
        agent_work.release(self.lease(request, pk))
        return Response(SettledSerializer({"status": "released"}).data)
