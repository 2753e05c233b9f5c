"""Static files with a hash in their name, so that they may be kept for ever, and scripts without what only people read."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)

# In a process of its own: the library brings threads of its own, which would not live through a fork.
_MINIFY = """
import minify, pathlib, sys
paths = [pathlib.Path(line) for line in sys.stdin.read().splitlines()]
small = [minify.string("application/javascript", path.read_text()) for path in paths]
for path, text in zip(paths, small):
    path.write_text(text)
"""


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    # Without it the `import "./x.js"` inside a module keeps its plain name and is not found.
    support_js_module_import_aggregation = True
    # Each pass settles one level of modules that import modules; the editor's are more than the usual five deep.
    max_post_process_passes = 20

    def compress_files(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Scripts first lose comments, spaces and the names of what is local, as far as the library is there for this
        machine; the copies under their plain names, which no page asks for, stay readable."""
        found = list(names)
        hashed = set(self.hashed_files.values())
        scripts = [name for name in found if name in hashed and name.endswith(".js") and ".min." not in name]
        if scripts and find_spec("minify"):
            _minify("\n".join(self.path(name) for name in scripts))
        yield from super().compress_files(found)


def _minify(paths: str) -> None:
    """All of them, or none when one cannot be: longer scripts are served, too."""
    command = [sys.executable, "-c", _MINIFY]
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2] or f"it ended with {done.returncode}"
        logger.warning("Scripts are served as they are written, for the minifier failed: %s", said)
