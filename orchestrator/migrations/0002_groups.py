"""The permissions that Django does not make by itself, and the six groups that carry them all.

The table is what a fresh installation starts with. A group is an administrator's to change afterwards, so this runs
once and nothing sets it back.
"""

from __future__ import annotations

from django.db import migrations
from django.db.migrations.state import StateApps

MODELS = (
    ("workflow", "workflow"),
    ("workflowversion", "workflow version"),
    ("run", "run"),
    ("taskrun", "task run"),
    ("event", "event"),
    ("logline", "log line"),
    ("approval", "approval"),
    ("approver", "approver"),
    ("vote", "vote"),
    ("process", "process"),
    ("secret", "secret"),
    ("apitoken", "api token"),
)
OWN = {
    "operate_run": ("run", "Can start, pause, resume, cancel and mend runs"),
    "decide_approval": ("approval", "Can decide approvals that name them"),
    "override_approval": ("approval", "Can decide any approval"),
}
ACCOUNTS = tuple(
    (verb, model) for model in ("user", "group") for verb in ("add", "change", "delete", "view")
)

VIEW = tuple(f"view_{model}" for model, _ in MODELS[:9])
GROUPS: dict[str, tuple[str, ...]] = {
    "viewer": VIEW,
    "designer": (*VIEW, "add_workflow", "change_workflow", "delete_workflow", "add_workflowversion"),
    "operator": (*VIEW, "operate_run", "view_process"),
    "approver": (*VIEW, "decide_approval"),
    "auditor": (*VIEW, "view_process", "view_secret", "view_apitoken"),
    "admin": (*(f"{verb}_{model}" for model, _ in MODELS for verb in ("add", "change", "delete", "view")), *OWN),
}


def make_groups(apps: StateApps, schema_editor: object = None) -> None:
    permissions = _permissions(apps)
    Group = apps.get_model("auth", "Group")
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(permissions[codename] for codename in codenames))
    Group.objects.get(name="admin").permissions.add(*_account_permissions(apps))


def _permissions(apps: StateApps) -> dict[str, object]:
    """Every permission of this app by code name; Django itself makes them only after the last migration."""
    wanted = {
        f"{verb}_{model}": (model, f"Can {verb} {label}")
        for model, label in MODELS
        for verb in ("add", "change", "delete", "view")
    } | OWN
    return {code: _permission(apps, "orchestrator", model, code, name) for code, (model, name) in wanted.items()}


def _account_permissions(apps: StateApps) -> list[object]:
    return [
        _permission(apps, "auth", model, f"{verb}_{model}", f"Can {verb} {model}") for verb, model in ACCOUNTS
    ]


def _permission(apps: StateApps, app: str, model: str, codename: str, name: str) -> object:
    ContentType = apps.get_model("contenttypes", "ContentType")
    content_type, _ = ContentType.objects.get_or_create(app_label=app, model=model)
    Permission = apps.get_model("auth", "Permission")
    permission, _ = Permission.objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("orchestrator", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="run",
            options={
                "ordering": ("-id",),
                "permissions": (("operate_run", OWN["operate_run"][1]),),
            },
        ),
        migrations.AlterModelOptions(
            name="approval",
            options={
                "ordering": ("deadline_at", "id"),
                "permissions": (
                    ("decide_approval", OWN["decide_approval"][1]),
                    ("override_approval", OWN["override_approval"][1]),
                ),
            },
        ),
        # Backwards leaves the groups: they hold people by then.
        migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False),
    ]
