"""Each wrong setting is named at start-up, in a sentence, and no right one is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from pytest_django.fixtures import Settings

from orchestrator.checks import RANGES, settings_make_sense
from orchestrator.keyfiles import new_encryption_key


@pytest.fixture(autouse=True)
def sound(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings with which nothing is wrong."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.BATON = {**settings.BATON, "WORKSPACE": tmp_path / "workspace", "API_ALLOWED_HOSTS": []}
    settings.ALLOWED_HOSTS = ["localhost"]
    return settings


def ids() -> list[str | None]:
    return [message.id for message in settings_make_sense()]


def only() -> CheckMessage:
    (message,) = settings_make_sense()
    return message


def change(settings: Settings, **values: Any) -> None:
    settings.BATON = {**settings.BATON, **values}


def test_sound_settings_pass() -> None:
    assert settings_make_sense() == []


def test_the_settings_of_a_fresh_installation_pass_as_they_are(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    settings.DEBUG = True
    assert ids() == []


def test_an_unknown_database_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.mysql")
    assert only().id == "baton.E001"
    assert "mysql" in only().msg


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis"])
def test_an_address_that_is_not_of_redis_is_refused(settings: Settings, url: str) -> None:
    settings.REDIS_URL = url
    assert ids() == ["baton.E002"]


@pytest.mark.parametrize("url", ["redis://localhost:6379/0", "rediss://cache:6380", "unix:///run/redis.sock"])
def test_addresses_of_redis_pass(settings: Settings, url: str) -> None:
    settings.REDIS_URL = url
    assert ids() == []


def test_without_an_encryption_key_nothing_starts(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    assert ids() == ["baton.E003"]


def test_the_secret_key_is_no_encryption_key(settings: Settings) -> None:
    settings.SECRET_KEY = new_encryption_key()
    settings.ENCRYPTION_KEYS = [settings.SECRET_KEY]
    assert ids() == ["baton.E004"]


def test_a_bad_encryption_key_is_counted_and_not_shown(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [new_encryption_key(), "hunter2-hunter2"]
    assert only().id == "baton.E005"
    assert "Key 2" in only().msg
    assert "hunter2" not in f"{only().msg} {only().hint}"


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, []), (0o640, ["baton.E006"]), (0o604, ["baton.E006"])]
)
def test_a_key_file_that_others_can_read_is_named(settings: Settings, mode: int, expected: list[str]) -> None:
    path = settings.DATA_DIR / "keys" / "secret_key"
    path.parent.mkdir()
    path.touch()
    path.chmod(mode)
    assert ids() == expected


@pytest.mark.parametrize("name", RANGES)
def test_a_number_out_of_its_range_names_its_variable(settings: Settings, name: str) -> None:
    variable, _least, most = RANGES[name]
    change(settings, **{name: most * 2})
    messages = [message for message in settings_make_sense() if message.id == "baton.E007"]
    assert [message.msg.split()[0] for message in messages] == [variable]


@pytest.mark.parametrize("workers", [0, -1, 65])
def test_the_number_of_workers_has_a_range(settings: Settings, workers: int) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": workers}
    assert ids() == ["baton.E007"]


def test_a_lease_shorter_than_three_ticks_is_refused(settings: Settings) -> None:
    change(settings, LEASE_SECONDS=5.0, TICK_SECONDS=2.0)
    assert ids() == ["baton.E008"]


def test_a_workspace_that_holds_the_keys_is_refused(settings: Settings) -> None:
    change(settings, WORKSPACE=settings.DATA_DIR.parent)
    assert ids() == ["baton.E009"]
    change(settings, WORKSPACE=settings.DATA_DIR)
    assert ids() == ["baton.E009"]


def test_a_workspace_inside_the_data_directory_passes(settings: Settings) -> None:
    change(settings, WORKSPACE=settings.DATA_DIR / "workspace")
    assert ids() == []


def test_a_workspace_that_is_a_file_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "workspace").touch()
    assert ids() == ["baton.E010"]


@pytest.mark.parametrize(
    "dotted", ["no.such.module", "orchestrator.nothing", "orchestrator.__version__", "plain"]
)
def test_an_agent_that_cannot_be_called_is_named(settings: Settings, dotted: str) -> None:
    change(settings, AGENTS={"ghost": dotted})
    assert only().id == "baton.E011"
    assert "'ghost'" in only().msg


@pytest.mark.parametrize("entry", ["intranet", "intranet:", ":80", "intranet:http", "intranet:70000"])
def test_an_allowed_private_host_needs_a_port(settings: Settings, entry: str) -> None:
    change(settings, API_ALLOWED_HOSTS=[entry])
    assert ids() == ["baton.E012"]


@pytest.mark.parametrize("entry", ["intranet.example:8443", "[fd00::1]:80"])
def test_allowed_private_hosts_with_a_port_pass(settings: Settings, entry: str) -> None:
    change(settings, API_ALLOWED_HOSTS=[entry])
    assert ids() == []


def test_any_host_is_no_host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert ids() == ["baton.E013"]


def test_a_server_that_others_can_reach_is_warned_of_what_is_meant_for_one_machine(
    settings: Settings,
) -> None:
    settings.ALLOWED_HOSTS = ["baton.example"]
    settings.DEBUG, settings.SESSION_COOKIE_SECURE = True, False
    change(settings, DEMO=True)
    assert ids() == ["baton.W001", "baton.W002", "baton.W003", "baton.W004"]


def test_a_server_behind_https_is_not_warned(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["baton.example"]
    settings.SESSION_COOKIE_SECURE = True
    change(settings, DEMO=False, BASE_URL="https://baton.example")
    assert ids() == []


@pytest.mark.parametrize(("postbox", "workspace"), [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_a_postbox_that_workflows_could_write_to_is_refused(
    settings: Settings, tmp_path: Path, postbox: str, workspace: str
) -> None:
    change(settings, POSTBOX=tmp_path / postbox, WORKSPACE=tmp_path / workspace)
    assert ids() == ["baton.E014"]
    assert "BATON_POSTBOX" in only().msg


def test_a_postbox_that_is_no_directory_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "postbox").write_text("")
    change(settings, POSTBOX=tmp_path / "postbox")
    assert ids() == ["baton.E015"]


@pytest.mark.parametrize(
    ("files", "other"), [("a", "a"), ("a", "a/b"), ("a/b", "a")], ids=["same", "around", "within"]
)
@pytest.mark.parametrize("name", ["WORKSPACE", "POSTBOX"])
def test_a_folder_of_files_that_others_write_to_is_refused(
    settings: Settings, tmp_path: Path, files: str, other: str, name: str
) -> None:
    change(settings, FILES=tmp_path / files, **{name: tmp_path / other})
    assert ids() == ["baton.E016"]
    assert "BATON_FILES" in only().msg


def test_a_folder_of_files_that_is_no_directory_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("")
    change(settings, FILES=tmp_path / "files")
    assert ids() == ["baton.E017"]


@pytest.mark.parametrize("text", ["always", "mon-fri 9-17", "mon-fri 09:00-17:00 Nowhere"])
def test_business_hours_that_are_none_are_refused(settings: Settings, text: str) -> None:
    change(settings, BUSINESS_HOURS=text)
    assert only().id == "baton.E025"
