"""The database as a whole: made ready for a command or a program, and told from one that is away.

The embedded one is made and migrated without being asked. What is there is compared with the migrations on disk by
name alone, so that a command on a database that is up to date pays two small queries.
"""

from __future__ import annotations

import fcntl
import pkgutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from orchestrator.exceptions import BatonError

_ADVISORY_LOCK = 0x6261746F6E  # "baton"


AWAY = (OperationalError, InterfaceError)


class DatabaseNotReadyError(BatonError):
    """The database is of an older release, and is not one to migrate without being asked."""

    code = "database_not_ready"
    status = 503


def prepare() -> str:
    """Bring the embedded database up to date, or an empty one of another kind.

    Returns what was done in a sentence, '' when there was nothing to do. Raises DatabaseNotReadyError.
    """
    return _catch_up(only_if_empty=not is_embedded()) if pending() else ""


def migrate() -> str:
    """Apply what is pending, whatever the database; what was done in a sentence."""
    return _catch_up(only_if_empty=False)


def _catch_up(*, only_if_empty: bool) -> str:
    """Several processes may ask at once; one does it and the others find it done."""
    with _alone():
        missing = pending()
        if not missing:
            return ""
        is_empty = not connection.introspection.table_names()
        if only_if_empty and not is_empty:
            raise DatabaseNotReadyError(
                "The database is of an older release of Baton: make a backup, then run 'baton migrate'."
            )
        call_command("migrate", verbosity=0, interactive=False)
    if is_empty:
        return f"Made the database {_name()}."
    return f"Migrated the database {_name()}: {len(missing)} steps."


def pending() -> set[tuple[str, str]]:
    """(app, migration) pairs that are on disk and not in the database."""
    return set(_on_disk()) - _applied()


def is_there() -> bool:
    """Whether there is a database that is up to date; looking makes none."""
    in_memory = _name() == ":memory:" or "mode=memory" in _name()
    if is_embedded() and not in_memory and not Path(_name()).exists():
        return False
    try:
        return not pending()
    except DatabaseError:
        return False


def is_embedded() -> bool:
    return connection.vendor == "sqlite"


def _applied() -> set[tuple[str, str]]:
    return set(MigrationRecorder(connection).applied_migrations())


def _on_disk() -> Iterator[tuple[str, str]]:
    for app in apps.get_app_configs():
        name, _explicit = MigrationLoader.migrations_module(app.label)
        try:
            package = import_module(name or "")
        except (ImportError, ValueError):
            continue  # the app has no tables
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg and module.name[0] not in "_~":
                yield app.label, module.name


def _name() -> str:
    return str(connection.settings_dict["NAME"])


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the right to migrate, across processes; another waits here and then finds nothing to do."""
    if not is_embedded():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])
        return
    with (settings.DATA_DIR / "migrate.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_away(error: BaseException | None) -> bool:
    """Whether this failed because the database is away, busy or full: something that passes, and no fault of the asker.

    Looks at what the error came of, too: the session, say, makes one of its own of it.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, AWAY):
            return not _is_refused_sql(error)
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _is_refused_sql(error: BaseException) -> bool:
    """SQLite calls a statement that it does not understand an operational error as well."""
    return getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
