"""A file that is kept, as an answer: to be saved, never to be shown by the browser as if it were a page of ours."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from orchestrator import files

_CACHE: Final = "private, no-store"


def download(key: str, name: str, content_type: str) -> HttpResponse:
    """Raises NotFoundError when it is gone. It is read whole: it is no larger than what may be handed in."""
    with files.open_file(key) as handle:
        answer = HttpResponse(handle.read(), content_type=content_type)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    assert disposition is not None
    answer["Content-Disposition"] = disposition
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = _CACHE
    return answer
