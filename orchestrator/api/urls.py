"""The routes of the API, under `/api/`. None ends in a slash."""

from __future__ import annotations

from django.urls import path, re_path

from orchestrator.api import docs
from orchestrator.api.views import agents, approvals, delegations, fallback, runs, templates, workflows

app_name = "api"

urlpatterns = [
    path("schema", docs.SchemaView.as_view(), name="schema"),
    path("docs", docs.DocsView.as_view(), name="docs"),
    path("templates", templates.TemplatesView.as_view(), name="templates"),
    path("workflows", workflows.WorkflowsView.as_view(), name="workflows"),
    path("workflows/validate", workflows.ValidateView.as_view(), name="validate"),
    path("workflows/<slug:key>", workflows.WorkflowView.as_view(), name="workflow"),
    path("workflows/<slug:key>/start", workflows.StartView.as_view(), name="start"),
    path("workflows/<slug:key>/status", workflows.StatusView.as_view(), name="status"),
    path("runs", runs.RunsView.as_view(), name="runs"),
    path("runs/<int:pk>", runs.RunView.as_view(), name="run"),
    path("runs/<int:pk>/status", runs.RunStatusView.as_view(), name="run-status"),
    path("runs/<int:pk>/pause", runs.PauseView.as_view(), name="pause"),
    path("runs/<int:pk>/resume", runs.ResumeView.as_view(), name="resume"),
    path("runs/<int:pk>/cancel", runs.CancelView.as_view(), name="cancel"),
    path("runs/<int:pk>/events", runs.EventsView.as_view(), name="events"),
    path("approvals", approvals.ApprovalsView.as_view(), name="approvals"),
    path("approvals/<int:pk>", approvals.ApprovalView.as_view(), name="approval"),
    path("approvals/<int:pk>/approve", approvals.ApproveView.as_view(), name="approve"),
    path("approvals/<int:pk>/reject", approvals.RejectView.as_view(), name="reject"),
    path("delegations", delegations.DelegationsView.as_view(), name="delegations"),
    path("delegations/<int:pk>", delegations.DelegationView.as_view(), name="delegation"),
    path("agents", agents.AgentsView.as_view(), name="agents"),
    path("agents/<slug:key>", agents.AgentView.as_view(), name="agent"),
    path("agents/<slug:key>/drain", agents.DrainView.as_view(), name="agent-drain"),
    path("agents/<slug:key>/activate", agents.ActivateView.as_view(), name="agent-activate"),
    path("agents/<slug:key>/tokens", agents.AgentTokensView.as_view(), name="agent-tokens"),
    path("agents/<slug:key>/tokens/<int:pk>", agents.AgentTokenView.as_view(), name="agent-token"),
    path("agents/<slug:key>/register", agents.SelfView.as_view(), name="agent-register"),
    path("agents/<slug:key>/claim", agents.ClaimView.as_view(), name="agent-claim"),
    path("leases/<int:pk>/heartbeat", agents.HeartbeatView.as_view(), name="lease-heartbeat"),
    path("leases/<int:pk>/log", agents.LeaseLogView.as_view(), name="lease-log"),
    path("leases/<int:pk>/complete", agents.CompleteView.as_view(), name="lease-complete"),
    path("leases/<int:pk>/fail", agents.FailView.as_view(), name="lease-fail"),
    path("leases/<int:pk>/release", agents.ReleaseView.as_view(), name="lease-release"),
    re_path("", fallback.FallbackView.as_view()),
]
