"""The routes of the pages; included at the root, so that names have no prefix."""

from __future__ import annotations

from django.urls import path

from orchestrator.web import (
    agents,
    approvals,
    first_steps,
    home,
    my_tasks,
    questions,
    run_actions,
    runs,
    style,
    talk,
    tasks,
    workflows,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("first-steps/", first_steps.first_steps, name="first-steps"),
    path("workflows/", workflows.workflow_list, name="workflow-list"),
    path("workflows/<slug:key>/", workflows.detail, name="workflow-detail"),
    path("workflows/<slug:key>/start/", workflows.start, name="workflow-start"),
    path("workflows/<slug:key>/versions/<int:number>/", workflows.version, name="workflow-version"),
    path(
        "workflows/<slug:key>/versions/<int:number>.<slug:form>", workflows.download, name="workflow-download"
    ),
    path("runs/", runs.run_list, name="run-list"),
    path("runs/<int:pk>/", runs.detail, name="run-detail"),
    path("runs/<int:pk>/live", runs.live_state, name="run-live"),
    path("runs/<int:pk>/timeline", runs.timeline_data, name="run-timeline"),
    path("runs/<int:pk>/events/", runs.events, name="run-events"),
    path("runs/<int:pk>/why/", runs.reasons, name="run-why"),
    path("runs/<int:pk>/head/", runs.head, name="run-head"),
    path("runs/<int:pk>/artifacts/<int:artifact>/", tasks.artifact, name="run-artifact"),
    path("runs/<int:pk>/<slug:verb>/", run_actions.run_action, name="run-action"),
    path("runs/<int:pk>/tasks/<slug:key>/", tasks.panel, name="task-panel"),
    path("runs/<int:pk>/tasks/<slug:key>/output.json", tasks.output, name="task-output"),
    path("runs/<int:pk>/tasks/<slug:key>/log.txt", tasks.log, name="task-log"),
    path("runs/<int:pk>/tasks/<slug:key>/<slug:verb>/", run_actions.task_action, name="task-action"),
    path("my-tasks/", my_tasks.my_tasks, name="my-tasks"),
    path("my-tasks/<int:pk>/", my_tasks.my_task, name="my-task"),
    path("my-tasks/<int:pk>/files/<int:file>/", my_tasks.my_task_file, name="my-task-file"),
    path("agents/", agents.agent_list, name="agent-list"),
    # No agent is called "-", so none is hidden by this.
    path("agents/-/new/", agents.agent_new, name="agent-new"),
    path("agents/<slug:key>/", agents.detail, name="agent-detail"),
    path("agents/<slug:key>/edit/", agents.agent_edit, name="agent-edit"),
    path("agents/<slug:key>/tokens/", agents.token_new, name="agent-tokens"),
    path("agents/<slug:key>/tokens/<int:pk>/revoke/", agents.token_revoke, name="agent-token-revoke"),
    path("agents/<slug:key>/<slug:verb>/", agents.agent_action, name="agent-action"),
    path("style/", style.style, name="style"),
    path("approvals/", approvals.inbox, name="inbox"),
    path("approvals/decide/", approvals.decide_chosen, name="approvals-decide"),
    path("approvals/<int:pk>/", approvals.detail, name="approval-detail"),
    path("approvals/<int:pk>/decide/", approvals.decide, name="approval-decide"),
    path("approvals/<int:pk>/comment/", talk.comment, name="approval-comment"),
    path("approvals/<int:pk>/recall/", approvals.recall, name="approval-recall"),
    path("approvals/<int:pk>/files/<int:file>/", talk.attachment, name="approval-file"),
    path("approvals/<int:pk>/ask/", questions.ask, name="approval-ask"),
    path("approvals/<int:pk>/answer/", questions.answer, name="approval-answer"),
    path("approvals/<int:pk>/withdraw/", questions.withdraw, name="approval-withdraw"),
    path("approvals/<int:pk>/send-back/", approvals.send_back, name="approval-send-back"),
]
