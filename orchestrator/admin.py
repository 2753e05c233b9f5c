"""Django's admin over all models, for looking and for repair by people of the staff.

What the engine writes is read only here: a row changed by hand would break the event chain or the counters that
work is found by. Secrets and tokens are never shown, secrets may be set.
"""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django_q.models import Schedule

from orchestrator import engine, secrets, vault
from orchestrator.exceptions import BatonError
from orchestrator.models import (
    Agent,
    AgentToken,
    ApiToken,
    Approval,
    Approver,
    Artifact,
    Attachment,
    ChatHook,
    Comment,
    Delegation,
    Delivery,
    Event,
    Hidden,
    Lease,
    LogLine,
    Notice,
    NoticePreference,
    Process,
    Question,
    Run,
    Secret,
    SignInFailure,
    TaskRun,
    TeamTemplate,
    TeamTemplateVersion,
    Vote,
    Workflow,
    WorkflowVersion,
)
from orchestrator.notices.sending import send_again
from orchestrator.permissions import can

_MOST_ROWS = 300

# Schedules of the queue are switched off (the clock does that work), and one could name any function to be called.
admin.site.unregister(Schedule)


class UncountedPaginator(Paginator):
    """Counts no further than is worth turning pages: counting millions of rows takes longer than reading a page."""

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by().values("pk")[:_MOST_ROWS].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows of the engine: to be looked at, the newest 300 in pages and all others by search."""

    paginator = UncountedPaginator
    ordering = ("-pk",)
    show_full_result_count = False

    def has_add_permission(self, *_: object) -> bool:
        return False

    def has_change_permission(self, *_: object) -> bool:
        return False

    def has_delete_permission(self, *_: object) -> bool:
        return False


@admin.register(Workflow)
class WorkflowAdmin(admin.ModelAdmin):
    """Who owns it and whether it is archived may be mended here; what it does, in the editor."""

    list_display = ("key", "name", "owner", "template", "archived_at", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("key", "name")
    fields = (
        "key",
        "name",
        "description",
        "owner",
        "template",
        "archived_at",
        "draft_rev",
        "created_at",
        "updated_at",
    )
    readonly_fields = ("key", "name", "description", "template", "draft_rev", "created_at", "updated_at")
    autocomplete_fields = ("owner",)

    def has_add_permission(self, *_: object) -> bool:
        return False

    def has_delete_permission(self, *_: object) -> bool:
        return False


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnlyAdmin):
    list_display = ("workflow", "number", "schema_version", "created_by", "created_at")
    list_select_related = ("workflow", "created_by")
    search_fields = ("workflow__key",)


@admin.register(TeamTemplate)
class TeamTemplateAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "owner", "retired_at", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("key", "name")


@admin.register(TeamTemplateVersion)
class TeamTemplateVersionAdmin(ReadOnlyAdmin):
    list_display = ("template", "number", "source", "source_version", "created_by", "created_at")
    list_select_related = ("template", "source", "created_by")
    search_fields = ("template__key",)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("id", "workflow", "status", "trigger", "started_by", "created_at", "finished_at")
    list_filter = ("status", "is_trial")
    list_select_related = ("workflow", "started_by")
    search_fields = ("=id", "workflow__key")
    exclude = ("params",)
    readonly_fields = ("parameters",)

    @admin.display
    def parameters(self, run: Run) -> str:
        return json.dumps(secrets.mask(run.params), ensure_ascii=False)


@admin.register(TaskRun)
class TaskRunAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "status", "reason", "attempt", "agent_id", "worker", "due_at")
    list_filter = ("status",)
    search_fields = ("=run__id", "key")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("run_id", "seq", "type", "task", "actor", "at")
    search_fields = ("=run__id", "task", "actor")


@admin.register(LogLine)
class LogLineAdmin(ReadOnlyAdmin):
    list_display = ("task_run", "attempt", "at", "level", "message")
    list_select_related = ("task_run",)
    search_fields = ("=task_run__run__id",)


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("title", "run", "status", "requested_at", "deadline_at", "decided_by")
    list_filter = ("status",)
    list_select_related = ("run", "decided_by")
    search_fields = ("title", "=run__id")


@admin.register(Approver)
class ApproverAdmin(ReadOnlyAdmin):
    list_display = ("name", "approval", "user", "group")
    list_select_related = ("approval", "user", "group")
    search_fields = ("name",)


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ("approval", "person", "for_person", "decision", "override", "at")
    list_select_related = ("approval", "person", "for_person")


class DelegationAdminForm(forms.ModelForm):
    """For somebody who went without naming anybody; the rules are those of everywhere."""

    by: Any = None  # who fills it in

    class Meta:
        model = Delegation
        fields = ("person", "to", "starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        """Makes it: what the engine refuses is said in the form. A form that is wrong already makes nothing."""
        data = super().clean() or {}
        if self.errors:
            return data
        given = {name: data[name] for name in ("starts_at", "ends_at", "reason")}
        try:
            self.instance = engine.delegate(data["person"], data["to"].get_username(), by=self.by, **given)
        except BatonError as error:
            raise forms.ValidationError(error.message, code=error.code) from None
        return data


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin):
    """Administrators make one in another's name, and end any."""

    form = DelegationAdminForm
    list_display = ("person", "to", "starts_at", "ends_at", "revoked_at", "created_by")
    list_select_related = ("person", "to", "created_by")
    search_fields = ("person__username", "to__username")
    autocomplete_fields = ("person", "to")
    actions = ("revoke",)

    def has_view_permission(self, request: HttpRequest, *_: object) -> bool:
        return can(request.user, "admin") or request.user.has_perm("orchestrator.view_delegation")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, *_: object) -> bool:
        return can(request.user, "admin")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return can(request.user, "admin")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[forms.ModelForm]:
        made = super().get_form(request, *args, **kwargs)
        return type(made.__name__, (made,), {"by": request.user})

    def save_model(self, *_: object) -> None:
        """The form has made it."""

    @admin.action(description="Revoke the chosen delegations", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Delegation]) -> None:
        for one in chosen:
            engine.revoke_delegation(one)
        self.message_user(request, f"Revoked: {len(chosen)}.")


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    list_display = ("approval", "person", "text", "at")
    list_select_related = ("approval", "person")
    search_fields = ("=approval__run__id", "person__username")


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    list_display = ("approval", "asked_by", "asked_of", "outcome", "asked_at", "ended_at")
    list_filter = ("outcome",)
    list_select_related = ("approval", "asked_by", "asked_of")
    search_fields = ("=approval__run__id", "asked_by__username", "asked_of__username")


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    list_display = ("name", "approval", "person", "size", "content_type", "at")
    list_select_related = ("approval", "person")
    search_fields = ("name", "=approval__run__id", "person__username")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("kind", "approval", "by", "at", "told_at")
    list_filter = ("kind",)
    list_select_related = ("approval", "by")
    search_fields = ("=approval__id", "key")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What was given up may be sent once more, when what was wrong is mended."""

    list_display = ("notice", "channel", "user", "hook", "state", "tries", "due_at", "error")
    list_filter = ("state", "channel")
    list_select_related = ("notice", "user", "hook")
    search_fields = ("user__username", "hook__name", "=notice__approval__id")
    exclude = ("claim",)
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return can(request.user, "admin")

    @admin.action(description="Send the chosen ones that were given up again", permissions=["send"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        count = send_again(chosen.values_list("pk", flat=True), timezone.now())
        self.message_user(request, f"To be sent again: {count}.")


@admin.register(NoticePreference)
class NoticePreferenceAdmin(ReadOnlyAdmin):
    list_display = ("user", "mail", "hour", "zone", "digest_at")
    list_filter = ("mail",)
    list_select_related = ("user",)
    search_fields = ("user__username",)


@admin.register(ChatHook)
class ChatHookAdmin(ReadOnlyAdmin):
    """Made and removed at /settings/chats/; neither address nor key is shown."""

    list_display = ("name", "kind", "host", "events", "paused_at", "created_by")
    list_select_related = ("created_by",)
    search_fields = ("name", "host")
    exclude = ("url_sealed", "signing_sealed")


@admin.register(Process)
class ProcessAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "host", "pid", "started_at", "beat_at")
    list_filter = ("kind",)


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "kind", "state", "capacity", "seen_at")
    list_filter = ("state", "kind")
    search_fields = ("key", "name")


@admin.register(AgentToken)
class AgentTokenAdmin(ReadOnlyAdmin):
    list_display = ("agent", "name", "prefix", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("agent",)
    search_fields = ("name", "prefix", "agent__key")
    exclude = ("digest",)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("agent", "task_run", "attempt", "taken_at", "ended_at", "outcome")
    list_filter = ("outcome",)
    list_select_related = ("agent", "task_run")
    search_fields = ("agent__key", "=task_run__run__id")


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    list_display = ("name", "task_run", "attempt", "by", "size_text", "created_at")
    list_select_related = ("task_run",)
    search_fields = ("name", "=task_run__run__id")
    exclude = ("key",)


@admin.register(SignInFailure)
class SignInFailureAdmin(ReadOnlyAdmin):
    """To lift a pause early, delete its rows."""

    list_display = ("key", "at")

    def has_delete_permission(self, request: HttpRequest, *_: object) -> bool:
        return request.user.is_superuser


@admin.register(Hidden)
class HiddenAdmin(ReadOnlyAdmin):
    list_display = ("user", "what", "at")
    list_select_related = ("user",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        count = chosen.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"Revoked: {count}.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orchestrator.change_apitoken")


class SecretAdminForm(forms.ModelForm):
    """The value goes in and never comes out; left empty it stays as it was."""

    value = forms.CharField(
        required=False,
        strip=False,
        max_length=10_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Leave empty to keep what is set.",
    )

    class Meta:
        model = Secret
        fields = ("name", "description")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.instance.pk and not data.get("value"):
            self.add_error("value", "A new secret needs a value.")
        return data


@admin.register(Secret)
class SecretAdmin(admin.ModelAdmin):
    form = SecretAdminForm
    list_display = ("name", "description", "updated_at", "updated_by")
    list_select_related = ("updated_by",)
    search_fields = ("name",)

    def get_readonly_fields(self, _: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The name is sealed in with the value, so a secret is not renamed but made anew."""
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Secret, form: forms.ModelForm, change: bool) -> None:
        obj.updated_by = request.user
        if value := form.cleaned_data["value"]:
            obj.ciphertext = vault.sealed(obj.name, value)
        super().save_model(request, obj, form, change)
