"""The OpenAPI document: valid, without a warning, and true."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from orchestrator.models import Run
from tests.api.caller import Caller
from tests.people import person


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_it_is_valid_and_made_without_a_warning() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=io.StringIO())


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    operations = [op for item in document["paths"].values() for op in item.values()]
    assert len(operations) >= 20
    for operation in operations:
        assert operation["summary"]
        # Drafts are changed by the editor too, which has the session of its page.
        assert operation["security"][0] in ({"token": []}, {"agent_token": []})
        for status in ("401", "503"):
            schema = operation["responses"][status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}


def test_envelopes_take_nothing_else(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Start"]["additionalProperties"] is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/api/workflows/gated", "WorkflowDetail"),
        ("/api/workflows/gated/status", "Standing"),
        ("/api/runs/{run}", "Run"),
        ("/api/runs/{run}/events", "EventPage"),
        ("/api/approvals/{approval}", "Approval"),
        ("/api/workflows", "WorkflowPage"),
        ("/api/runs", "RunPage"),
        ("/api/approvals", "ApprovalPage"),
        ("/api/delegations", "DelegationPage"),
        ("/api/templates", "Templates"),
    ],
)
def test_answers_have_the_fields_it_names(
    path: str, schema: str, document: dict[str, Any], api: Caller, run: Run
) -> None:
    answer = api.get(path.format(run=run.pk, approval=run.approvals.get().pk)).json()
    described = document["components"]["schemas"][schema]
    assert set(answer) == set(described["properties"])
    assert set(described["required"]) <= set(answer)


@pytest.mark.django_db
class TestPages:
    def test_a_signed_in_browser_reads_the_document_and_the_page(self) -> None:
        client = Client()
        client.force_login(person("vic"))
        assert client.get("/api/schema?format=json").json()["info"]["title"] == "Baton"
        page = client.get("/api/docs").text
        assert "/api/workflows/{key}/start" in page and "<script>" not in page

    def test_a_stranger_reads_neither(self) -> None:
        person("vic")
        client = Client()
        assert client.get("/api/schema").status_code == 401
        assert client.get("/api/docs").status_code == 302
