"""Files that come with a form. What is sent as one is written no further than is kept of it."""

from __future__ import annotations

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from orchestrator import conf, engine


class CappedUploadHandler(FileUploadHandler):
    """Lets through one piece beyond the limit, by which the file is known to be too large, and drops what follows."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start <= conf.file_max_bytes() else None

    def file_complete(self, file_size: int) -> None:
        """The file itself is made by the handlers behind."""
        del file_size


def uploads_of(request: HttpRequest) -> list[engine.Upload]:
    """The files of a form; a field that was left empty is none."""
    return [engine.Upload(one.name or "", one.chunks()) for one in request.FILES.getlist("files")]
