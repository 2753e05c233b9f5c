"""Static files with a hash in their name, so that they may be kept for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    # Without it the `import "./x.js"` inside a module keeps its plain name and is not found.
    support_js_module_import_aggregation = True
    # Each pass settles one level of modules that import modules; the editor's are more than the usual five deep.
    max_post_process_passes = 20
