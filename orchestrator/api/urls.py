"""The routes of the API, under `/api/`. None ends in a slash."""

from __future__ import annotations

from django.urls import path, re_path

from orchestrator.api import docs
from orchestrator.api.views import (
    agents,
    approvals,
    artifacts,
    delegations,
    fallback,
    runs,
    talk,
    templates,
    workflows,
)

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
    path("runs/<int:pk>/why", runs.WhyView.as_view(), name="why"),
    path("runs/<int:pk>/tasks/<slug:key>/retry", runs.RetryView.as_view(), name="task-retry"),
    path("runs/<int:pk>/tasks/<slug:key>/skip", runs.SkipView.as_view(), name="task-skip"),
    path("runs/<int:pk>/pause", runs.PauseView.as_view(), name="pause"),
    path("runs/<int:pk>/resume", runs.ResumeView.as_view(), name="resume"),
    path("runs/<int:pk>/cancel", runs.CancelView.as_view(), name="cancel"),
    path("runs/<int:pk>/events", runs.EventsView.as_view(), name="events"),
    path("runs/<int:pk>/artifacts", artifacts.RunArtifactsView.as_view(), name="artifacts"),
    path("runs/<int:pk>/artifacts/<int:artifact>", artifacts.RunArtifactView.as_view(), name="artifact"),
    path("approvals", approvals.ApprovalsView.as_view(), name="approvals"),
    path("approvals/decide", approvals.DecisionsView.as_view(), name="approvals-decide"),
    path("approvals/<int:pk>", approvals.ApprovalView.as_view(), name="approval"),
    path("approvals/<int:pk>/approve", approvals.ApproveView.as_view(), name="approve"),
    path("approvals/<int:pk>/reject", approvals.RejectView.as_view(), name="reject"),
    path("approvals/<int:pk>/record", talk.RecordView.as_view(), name="record"),
    path("approvals/<int:pk>/comments", talk.CommentsView.as_view(), name="comments"),
    path("approvals/<int:pk>/recall", approvals.RecallView.as_view(), name="recall"),
    path("approvals/<int:pk>/attachments", talk.AttachmentsView.as_view(), name="attachments"),
    path("approvals/<int:pk>/attachments/<int:file>", talk.AttachmentView.as_view(), name="attachment"),
    path("approvals/<int:pk>/questions", talk.QuestionsView.as_view(), name="questions"),
    path("approvals/<int:pk>/answer", talk.AnswerView.as_view(), name="answer"),
    path("approvals/<int:pk>/withdraw", talk.WithdrawView.as_view(), name="withdraw"),
    path("approvals/<int:pk>/send-back", approvals.SendBackView.as_view(), name="send-back"),
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
    path(
        "leases/<int:pk>/artifacts/<path:name>", artifacts.LeaseArtifactView.as_view(), name="lease-artifact"
    ),
    path("leases/<int:pk>/complete", agents.CompleteView.as_view(), name="lease-complete"),
    path("leases/<int:pk>/fail", agents.FailView.as_view(), name="lease-fail"),
    path("leases/<int:pk>/release", agents.ReleaseView.as_view(), name="lease-release"),
    re_path("", fallback.FallbackView.as_view()),
]
