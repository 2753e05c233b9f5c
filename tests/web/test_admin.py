"""The admin: every model is there, what the engine writes is only read, secrets go in and never come out."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from orchestrator import tokens, vault
from orchestrator.models import ApiToken, Run, Secret, Workflow, WorkflowVersion
from orchestrator.secrets import seal, unseal
from tests.people import person

pytestmark = pytest.mark.django_db

MODELS = list(apps.get_app_config("orchestrator").get_models())
WRITTEN_BY_PEOPLE = {"workflow", "secret", "delegation"}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root() -> User:
    return person("root", superuser=True)


@pytest.fixture
def run() -> Run:
    now = timezone.now()
    workflow = Workflow.objects.create(key="mine", name="Mine")
    version = WorkflowVersion.objects.create(
        workflow=workflow, number=1, definition={}, schema_version="2.0.0"
    )
    params = {"key": {"$sealed": seal("hunter2", "run:key")}, "plain": "shown"}
    return Run.objects.create(
        workflow=workflow, version=version, status="running", params=params, created_at=now, touched_at=now
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_every_model_is_listed(model: type[Model], root: User) -> None:
    route = f"admin:orchestrator_{model._meta.model_name}_changelist"
    assert client_of(root).get(reverse(route)).status_code == 200


@pytest.mark.parametrize(
    "model",
    [model for model in MODELS if model._meta.model_name not in WRITTEN_BY_PEOPLE],
    ids=lambda model: model._meta.model_name,
)
def test_what_the_engine_writes_is_neither_added_nor_changed(
    model: type[Model], root: User, rf: RequestFactory
) -> None:
    request = rf.get("/")
    request.user = root
    registered = admin.site._registry[model]
    assert not registered.has_add_permission(request)
    assert not registered.has_change_permission(request)
    assert registered.has_view_permission(request)


def test_a_run_is_shown_with_its_secret_parameters_masked(root: User, run: Run) -> None:
    client = client_of(root)
    address = reverse("admin:orchestrator_run_change", args=[run.pk])
    page = client.get(address).text
    assert "shown" in page and "$sealed" not in page and "hunter2" not in page
    assert client.post(address, {"status": "completed"}).status_code == 403


def test_a_secret_goes_in_and_never_comes_out(root: User) -> None:
    client = client_of(root)
    add = reverse("admin:orchestrator_secret_add")
    assert client.post(add, {"name": "crm", "description": "", "value": ""}).status_code == 200
    assert client.post(add, {"name": "crm", "description": "", "value": "hunter2"}).status_code == 302
    secret = Secret.objects.get()
    assert unseal(secret.ciphertext, "secret:crm") == "hunter2"
    page = client.get(reverse("admin:orchestrator_secret_change", args=[secret.pk])).text
    assert "hunter2" not in page and secret.ciphertext not in page


def test_a_secret_keeps_its_name_and_without_a_new_value_its_value(root: User) -> None:
    secret = vault.put("crm", "hunter2")
    change = reverse("admin:orchestrator_secret_change", args=[secret.pk])
    client_of(root).post(change, {"name": "other", "description": "new words", "value": ""})
    secret.refresh_from_db()
    assert (secret.name, secret.description) == ("crm", "new words")
    assert unseal(secret.ciphertext, "secret:crm") == "hunter2"


def test_tokens_are_revoked_and_their_digests_not_shown(root: User) -> None:
    token, text = tokens.issue(person("ann"), "nightly")
    client = client_of(root)
    page = client.get(reverse("admin:orchestrator_apitoken_change", args=[token.pk])).text
    assert token.digest not in page
    chosen = {"action": "revoke", "_selected_action": [token.pk]}
    client.post(reverse("admin:orchestrator_apitoken_changelist"), chosen)
    assert tokens.find(text) is None
    assert ApiToken.objects.filter(revoked_at__isnull=False).exists()


def test_an_auditor_of_the_staff_revokes_nothing() -> None:
    auditor = person("aud", "auditor")
    auditor.is_staff = True
    auditor.save()
    token, text = tokens.issue(person("ann"), "nightly")
    chosen = {"action": "revoke", "_selected_action": [token.pk]}
    client_of(auditor).post(reverse("admin:orchestrator_apitoken_changelist"), chosen)
    assert tokens.find(text) == token


@pytest.mark.parametrize("role", ["viewer", "designer", "operator", "approver", "auditor", "admin"])
def test_a_role_alone_does_not_open_the_admin(role: str) -> None:
    answer = client_of(person("vic", role)).get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/"


def test_schedules_of_the_queue_are_not_offered(root: User) -> None:
    assert "schedule" not in client_of(root).get("/admin/").text.lower()
