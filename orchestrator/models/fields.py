"""The field types of our own."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver


class OrderedJSONField(models.JSONField):
    """JSON that keeps the order of its keys and the form of its numbers, as `jsonb` does not.

    Tasks run in definition order, people see data in the order it was given, and digests are made of what was written.
    It cannot be compared or indexed on PostgreSQL; nothing here asks for that.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Text on every database: Django's own adapter would pass through `jsonb` and lose the order."""
        if value is None or isinstance(value, models.Value) or hasattr(value, "as_sql"):
            return super().get_db_prep_value(value, connection, prepared)
        return json.dumps(value, cls=self.encoder)


class RowNumberField(models.BigAutoField):  # type: ignore[type-arg]  # generic in its stubs alone
    """A primary key that SQLite numbers by itself, without a table beside it that every insert would have to write.

    The number of a row that was deleted may come again; for rows that nothing refers to.
    """

    def db_type_suffix(self, connection: BaseDatabaseWrapper) -> str | None:
        return None if connection.vendor == "sqlite" else super().db_type_suffix(connection)


@receiver(connection_created)
def _read_json_as_text(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Django parses JSON itself; the driver must hand it over as text, for `json` as it does for `jsonb`."""
    if connection.vendor == "postgresql":
        from psycopg.types.string import TextLoader  # the driver is there only where PostgreSQL is used

        connection.connection.adapters.register_loader("json", TextLoader)
