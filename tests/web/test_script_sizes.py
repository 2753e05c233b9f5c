"""How much script a page loads before anybody has asked for more, as it goes over the wire."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from posixpath import normpath

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from orchestrator.web.static import HashedStaticFilesStorage

SOURCES = Path(settings.BASE_DIR) / "static"
HASHED = {
    "staticfiles": {"BACKEND": "orchestrator.web.static.HashedStaticFilesStorage"},
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
}
_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?from "(\.[^"]+)"', re.MULTILINE)
HTMX = ("vendor/htmx-2.0.11.min.js", "vendor/idiomorph-ext-0.8.0.min.js", "js/htmx.js")
EVERYWHERE = ("js/app.js", "js/theme.js")
BUDGETS = {
    "a page": ((*EVERYWHERE, *HTMX), 28_000),
    "the editor": ((*EVERYWHERE, "js/editor/main.js"), 60_000),
}

pytestmark = pytest.mark.skipif(
    find_spec("minify") is None, reason="the minifier is not there for this machine"
)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> HashedStaticFilesStorage:
    root = tmp_path_factory.mktemp("collected")
    with override_settings(STATIC_ROOT=root, STORAGES=HASHED, STATICFILES_DIRS=[SOURCES]):
        call_command("collectstatic", interactive=False, verbosity=0)
        return HashedStaticFilesStorage(location=root)


def _loaded(names: tuple[str, ...]) -> set[str]:
    """These scripts and all that they import, and so on."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        imports = _IMPORT.findall((SOURCES / name).read_text())
        waiting += [normpath(str(PurePosixPath(name).parent / one)) for one in imports]
    return found


@pytest.mark.parametrize("what", BUDGETS)
def test_a_page_loads_no_more_script_than_it_may(collected: HashedStaticFilesStorage, what: str) -> None:
    names, most = BUDGETS[what]
    sizes = {
        name: (Path(collected.path(collected.stored_name(name) + ".gz"))).stat().st_size
        for name in _loaded(names)
    }
    told = "\n".join(f"{size:6} {name}" for name, size in sorted(sizes.items(), key=lambda one: -one[1])[:12])
    assert sum(sizes.values()) <= most, (
        f"{what} loads {sum(sizes.values()):,} bytes, at most {most:,}:\n{told}"
    )


def test_what_nobody_needs_at_first_is_not_loaded() -> None:
    later = {"export", "inspector", "trying", "rarer", "extract", "dispute", "htmx"}
    loaded = {Path(name).stem for name in _loaded(("js/editor/main.js", *EVERYWHERE))}
    assert not later & loaded


def test_scripts_are_written_small_and_their_sources_stay_readable(
    collected: HashedStaticFilesStorage,
) -> None:
    small = Path(collected.path(collected.stored_name("js/editor/main.js"))).read_text()
    source = (SOURCES / "js/editor/main.js").read_text()
    assert "/**" not in small and len(small) < 0.7 * len(source)
    assert Path(collected.path("js/editor/main.js")).read_text() == source
