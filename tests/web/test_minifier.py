"""A minifier that does not work makes scripts longer, and stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from orchestrator.web import static
from tests.web.test_script_sizes import HASHED

SCRIPTS = {"one.js": "// says why\nconst one = 1;\n", "two.js": "// says how\nconst two = 2;\n"}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit('no wheel for this machine')", "no wheel for this machine"),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it ended with -9"),
    ],
)
def test_scripts_are_served_as_they_are_written_when_it_fails(
    program: str,
    said: str,
    sources: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(static, "_MINIFY", program)
    monkeypatch.setattr(static, "find_spec", lambda _: True)
    root = tmp_path / "collected"
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with override_settings(
        STATIC_ROOT=root, STORAGES=HASHED, STATICFILES_DIRS=[sources], STATICFILES_FINDERS=finders
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
    for name, text in SCRIPTS.items():
        (hashed,) = root.glob(f"{Path(name).stem}.*.js")
        assert hashed.read_text() == text
    assert f"the minifier failed: {said}" in caplog.text.replace("ModuleNotFoundError: ", "")
