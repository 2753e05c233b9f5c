"""The one content type that is read, and how strictly."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from orchestrator.definition import strict_json


class StrictJSONParser(BaseParser):
    """JSON without what only some readers understand: duplicate keys, NaN, lone surrogates, depth without end."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], *_: Any, **__: Any) -> Any:
        """The body's value. Raises DefinitionError; a body that is too long is read no further than to know so."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return strict_json.loads(stream.read(limit + 1), max_bytes=limit)


class RawParser(BaseParser):
    """Whatever is sent, unread: the view reads it as it comes."""

    media_type = "*/*"

    def parse(self, stream: IO[bytes], *_: Any, **__: Any) -> IO[bytes]:
        return stream
