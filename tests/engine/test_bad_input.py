"""Input that must be refused, through the three doors it can come by: the command, the API and the import page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orchestrator.cli import main
from orchestrator.definition.strict_json import MAX_BYTES
from orchestrator.models import Workflow
from tests.api.caller import Caller, codes_of, error_of
from tests.engine.bad_input import ROWS, Bad
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

IMPORT = "/workflows/new/import/"
TOO_LARGE = " " * (MAX_BYTES + 10_000)
rows = pytest.mark.parametrize("bad", ROWS, ids=[row.name for row in ROWS])
_BY_API = [row for row in ROWS if row.by_api]
api_rows = pytest.mark.parametrize("bad", _BY_API, ids=[row.name for row in _BY_API])


@pytest.fixture(autouse=True)
def _nothing_is_stored_and_nothing_takes_long() -> Iterator[None]:
    begin = time.process_time()
    yield
    assert not Workflow.objects.exists()
    # A second is promised; here it is a bound against what grows without one, and no measurement.
    assert time.process_time() - begin < 4


@pytest.fixture
def api() -> Caller:
    return Caller(person("dora", "designer"))


@pytest.fixture
def browser() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person("dora", "designer"))
    return client


def assert_told(issues: list[dict[str, Any]], bad: Bad) -> None:
    """The fault is among what was found: by its code where the row names one, at its path, in its words."""
    found = [issue for issue in issues if issue["severity"] == "error" and issue["path"] == bad.path]
    assert found, [(issue["path"], issue["code"]) for issue in issues]
    assert [one for one in found if bad.code in ("", one["code"]) and bad.words in one["message"]], found


@rows
def test_the_command_refuses_it(bad: Bad, tmp_path: Path) -> None:
    file = tmp_path / ("bad.json" if bad.is_json else "bad.yaml")
    file.write_text(bad.text)
    result = CliRunner().invoke(main, ["validate", str(file), "--json"])
    assert result.exit_code == 1, result.output
    assert_told(json.loads(result.stdout)["issues"], bad)


@api_rows
def test_the_api_refuses_it(bad: Bad, api: Caller) -> None:
    answer = api.post("/api/workflows", bad.text.encode())
    assert answer.status_code == 400
    assert_told(error_of(answer)["issues"], bad)


@api_rows
def test_the_check_of_the_api_tells_it(bad: Bad, api: Caller) -> None:
    answer = api.post("/api/workflows/validate", bad.text.encode())
    body = answer.json()
    assert (answer.status_code, body.get("ok")) == (200, False) or answer.status_code == 400
    assert_told(body["issues"] if "issues" in body else error_of(answer)["issues"], bad)


@rows
def test_the_import_page_refuses_it_and_shows_it_again(bad: Bad, browser: Client) -> None:
    answer = browser.post(IMPORT, {"text": bad.text, "save": "1"})
    assert answer.status_code == 422
    form, report = answer.context["form"], answer.context["report"]
    assert_told([issue.as_dict() for issue in report.issues], bad)
    assert form["text"].value() == bad.text


class TestThePage:
    @pytest.mark.parametrize(
        ("content", "name", "code"),
        [
            (b'{"name": "\xff"}', "a.json", "bad_unicode"),
            ("name: Grüße".encode("utf-16"), "a.yaml", "bad_unicode"),
            (b"PK\x03\x04" + bytes(range(256)), "a.zip", "bad_unicode"),
            (b"name: a\x00b", "a.yml", "bad_yaml"),
            (b"\n\n", "a.json", "empty"),
        ],
        ids=["bad UTF-8", "UTF-16", "zip", "null character", "blank"],
    )
    def test_a_file_that_cannot_be_read_is_refused(
        self, content: bytes, name: str, code: str, browser: Client
    ) -> None:
        answer = browser.post(IMPORT, {"file": SimpleUploadedFile(name, content), "save": "1"})
        assert answer.status_code == 422
        assert [issue.code for issue in answer.context["report"].issues] == [code]

    def test_a_file_that_is_too_large_is_refused(self, browser: Client) -> None:
        answer = browser.post(IMPORT, {"file": SimpleUploadedFile("a.json", TOO_LARGE.encode())})
        assert answer.status_code == 422
        assert "larger than 2 MiB" in answer.content.decode()

    @pytest.mark.parametrize("text", ["", " \n", "name: a\x00b"], ids=["nothing", "blank", "null character"])
    def test_what_the_form_itself_refuses_is_shown_again(self, text: str, browser: Client) -> None:
        answer = browser.post(IMPORT, {"text": text, "save": "1"})
        assert answer.status_code == 422
        assert answer.context["form"].errors
        assert answer.context["form"]["text"].value() == text

    def test_an_empty_file_is_refused(self, browser: Client) -> None:
        answer = browser.post(IMPORT, {"file": SimpleUploadedFile("a.json", b"")})
        assert answer.status_code == 422
        assert answer.context["form"].errors["file"]


class TestBodies:
    def test_one_of_more_than_two_mebibytes_is_413(self, api: Caller) -> None:
        answer = api.post("/api/workflows", TOO_LARGE.encode())
        assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")

    def test_the_import_page_answers_one_that_is_too_large(self, browser: Client) -> None:
        assert 400 <= browser.post(IMPORT, {"text": TOO_LARGE}).status_code < 500

    @pytest.mark.parametrize(
        ("body", "code"),
        [(b'{"name": "\xff"}', "bad_unicode"), (b"", "required"), (b"<flow/>", "bad_json")],
        ids=["bad UTF-8", "empty", "XML"],
    )
    def test_what_is_not_json_is_refused(self, body: bytes, code: str, api: Caller) -> None:
        answer = api.post("/api/workflows", body)
        assert answer.status_code == 400
        assert ("$", code) in codes_of(answer)

    @pytest.mark.parametrize("kind", ["application/xml", "text/plain", "application/x-www-form-urlencoded"])
    def test_another_content_type_is_415(self, kind: str, api: Caller) -> None:
        answer = api.post("/api/workflows", json.dumps(flow({"a": task()})).encode(), Content_Type=kind)
        assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize("field", ["id", "owner", "status", "colour"])
    def test_an_unknown_field_beside_the_definition_is_refused(self, field: str, api: Caller) -> None:
        answer = api.post("/api/workflows", {"definition": flow({"a": task()}), field: "x"})
        assert answer.status_code == 400
        assert codes_of(answer) == [(field, "unknown_field")]
