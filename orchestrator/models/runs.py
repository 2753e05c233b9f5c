"""Runs and task runs: the state that only `orchestrator.engine` writes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from orchestrator.models.fields import OrderedJSONField
from orchestrator.models.workflows import Workflow, WorkflowVersion
from orchestrator.planning.machine import RunStatus, TaskStatus, WaitReason


class Run(models.Model):
    """One execution of one version.

    `seq` is the number of its last event, `turns` counts the turns that have written it, `epoch` is the fence that a
    rollback or cancel raises, `unhandled` counts failures that nothing provided for, `claimable` tells whether a worker that looks now finds something to do: it is derived from the counters beside it in every turn, so that
    looking for work never scans task runs. `is_trial` marks a test run of a draft and the runs that it started: they
    count nowhere, and are removed after a while.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, related_name="runs", db_index=False)
    version = models.ForeignKey(
        WorkflowVersion, on_delete=models.PROTECT, related_name="runs", db_index=False
    )
    status = models.CharField(max_length=16, choices=RunStatus.choices())
    epoch = models.PositiveIntegerField(default=1)
    seq = models.PositiveIntegerField(default=0)
    turns = models.PositiveBigIntegerField(default=0, db_default=0)
    digest = models.CharField(max_length=64, blank=True)
    params = OrderedJSONField(default=dict)
    trigger = models.CharField(max_length=16, default="manual")
    mark = models.CharField(max_length=16, blank=True)
    is_trial = models.BooleanField(default=False, db_default=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    parent = models.ForeignKey(
        "orchestrator.TaskRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    depth = models.PositiveSmallIntegerField(default=0)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, unique=True)

    total = models.PositiveIntegerField(default=0)
    unsettled = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    unhandled = models.PositiveIntegerField(default=0)
    executing = models.PositiveIntegerField(default=0)
    ready_parallel = models.PositiveIntegerField(default=0)
    ready_sequential = models.PositiveIntegerField(default=0)
    sequential_busy = models.PositiveIntegerField(default=0)
    claimable = models.BooleanField(default=False)

    error = OrderedJSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    touched_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        permissions = (("operate_run", "Can start, pause, resume, cancel and mend runs"),)
        constraints = (
            models.CheckConstraint(condition=Q(status__in=RunStatus.values()), name="run_status_known"),
        )
        indexes = (
            models.Index(fields=["touched_at"], condition=Q(claimable=True), name="run_claimable"),
            models.Index(fields=["workflow", "-id"], name="run_of_workflow"),
            models.Index(fields=["workflow", "status", "-id"], name="run_of_workflow_by_status"),
            models.Index(fields=["version", "status", "-id"], name="run_of_version"),
            models.Index(fields=["status", "-id"], name="run_by_status"),
            models.Index(fields=["deadline_at"], condition=Q(deadline_at__isnull=False), name="run_deadline"),
            models.Index(fields=["status", "finished_at"], name="run_ended_at"),
            models.Index(fields=["created_at"], name="run_created_at"),
            models.Index(fields=["-id"], condition=Q(is_trial=True), name="run_trials"),
            models.Index(
                fields=["finished_at", "created_at"], condition=Q(is_trial=True), name="run_trials_ended_at"
            ),
            models.Index(
                fields=["workflow", "-id"], condition=Q(is_trial=True), name="run_trials_of_workflow"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class TaskRun(models.Model):
    """One task in a run, unique on run, key and index (-1 is the task itself, 0… the items of a `for_each`).

    A row with status ready *is* the queue entry. `claim` counts the times it was taken and is, with `epoch`, the
    fencing token of an attempt. `waits_for`, `ok` and `bad` count its dependencies: unsettled, completed, failed.
    `due_at` is the next moment the clock must look at it, whatever for. `item` is that of a `for_each`, or what stands
    in for the task in a test run.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    key = models.CharField(max_length=64)
    index = models.IntegerField(default=-1)
    order = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=TaskStatus.choices())
    reason = models.CharField(max_length=16, blank=True)
    sequential = models.BooleanField(default=True)
    agent_id = models.CharField(max_length=200, blank=True)

    epoch = models.PositiveIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=0)
    claim = models.PositiveIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True)

    waits_for = models.IntegerField(default=0)
    ok = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    items_left = models.PositiveIntegerField(default=0)
    items_failed = models.PositiveIntegerField(default=0)

    due_at = models.DateTimeField(null=True, blank=True)
    timeout_at = models.DateTimeField(null=True, blank=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    item = OrderedJSONField(null=True, blank=True)
    override = OrderedJSONField(null=True, blank=True)
    input = OrderedJSONField(null=True, blank=True)
    output = OrderedJSONField(null=True, blank=True)
    error = OrderedJSONField(null=True, blank=True)
    child = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="waited_by")

    class Meta:
        ordering = ("run_id", "order", "index")
        constraints = (
            models.UniqueConstraint(fields=["run", "key", "index"], name="task_run_once"),
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values()), name="task_status_known"),
            models.CheckConstraint(
                condition=~Q(status=TaskStatus.RUNNING) | Q(due_at__isnull=False),
                name="running_task_has_a_lease",
            ),
        )
        indexes = (
            models.Index(
                fields=["run", "sequential", "order", "index"],
                condition=Q(status=TaskStatus.READY),
                name="task_ready",
            ),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="task_due"),
            models.Index(
                fields=["agent_id"],
                condition=Q(status=TaskStatus.WAITING, reason=WaitReason.AGENT),
                name="task_waits_for_agent",
            ),
            models.Index(
                fields=["child"],
                condition=Q(status=TaskStatus.WAITING, reason=WaitReason.CHILD),
                name="task_waits_for_child",
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id}:{self.key}" + (f"[{self.index}]" if self.index >= 0 else "")
