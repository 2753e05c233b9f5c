"""What a piece of code costs the database, in work and not in time, so that a busy machine changes nothing.

On SQLite: the steps of its virtual machine. On PostgreSQL: the rows that the scans of its plans read, those they threw
away included. Statements are taken as they are executed, and planned on the rows that are there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Index, UniqueConstraint

TABLES = tuple(
    f"orchestrator_{name}"
    for name in ("run", "taskrun", "event", "logline", "approval", "approver", "vote", "workflowversion")
)
_ALIASED = re.compile(rf'\b(?:{"|".join(TABLES)})"? (?:AS )?"?(\w+)')  # U0 of "orchestrator_run" U0
_STEP = 50  # of the virtual machine, between two counts
_PLANNED = (
    ("SELECT", "UPDATE", "DELETE", "INSERT")
    if connection.vendor == "sqlite"
    else ("SELECT", "UPDATE", "DELETE")
)


@dataclass
class Statement:
    sql: str
    plan: str = ""
    work: int = 0
    scans: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.work:>8}  {self.sql[:1500]}\n          {self.plan}"


@dataclass
class Cost:
    statements: list[Statement] = field(default_factory=list)
    is_counting: bool = True

    @property
    def work(self) -> int:
        return sum(one.work for one in self.statements)

    @property
    def scanned(self) -> list[Statement]:
        """Those that read a whole table, with nothing that lets them stop early."""
        return [one for one in self.statements if one.scans and " LIMIT " not in one.sql]

    def heaviest(self, count: int = 3) -> str:
        ranked = sorted(self.statements, key=lambda one: -one.work)
        return "\n".join(str(one) for one in ranked[:count])


def cost_of(act: Callable[[], object]) -> Cost:
    """Do it, and tell what it cost the database. What it writes stays."""
    cost = Cost()
    with _counting(cost):
        act()
    return cost


@contextmanager
def _counting(cost: Cost) -> Iterator[None]:
    connection.ensure_connection()

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statement = Statement(sql)
        one = params[0] if many else params
        if sql.lstrip("( ").startswith(_PLANNED):
            with _not_counted(cost):
                _plan(statement, one)
        cost.statements.append(statement)
        return execute(sql, params, many, context)

    def count() -> int:
        if cost.statements and cost.is_counting:
            cost.statements[-1].work += _STEP
        return 0

    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(count, _STEP)
    try:
        with connection.execute_wrapper(listen):
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.connection.set_progress_handler(None, 0)


@contextmanager
def _not_counted(cost: Cost) -> Iterator[None]:
    cost.is_counting = False
    yield
    cost.is_counting = True


def _plan(statement: Statement, params: Any) -> None:
    if connection.vendor == "sqlite":
        _plan_of_sqlite(statement, params)
    else:
        _plan_of_postgres(statement, params)


def _plan_of_sqlite(statement: Statement, params: Any) -> None:
    sql = re.sub(r"(?<!%)%s", "?", statement.sql).replace("%%", "%")
    rows = connection.connection.execute(f"EXPLAIN QUERY PLAN {sql}", params or ()).fetchall()
    lines = [str(row[-1]) for row in rows]
    statement.plan = " | ".join(lines)
    tables = {*TABLES, *_ALIASED.findall(sql)}
    statement.scans = [line for line in lines if _is_scan(line, tables)]


def _is_scan(line: str, tables: set[str]) -> bool:
    """Of a whole table, or of an index that holds all its rows."""
    words = line.split()
    return words[0] == "SCAN" and words[1] in tables and words[-1] not in _partial_indexes()


@cache
def _partial_indexes() -> frozenset[str]:
    options = [model._meta for model in apps.get_app_config("orchestrator").get_models()]
    return frozenset(
        one.name
        for meta in options
        for one in (*meta.indexes, *meta.constraints)
        if isinstance(one, Index | UniqueConstraint) and one.condition is not None
    )


def _plan_of_postgres(statement: Statement, params: Any) -> None:
    is_read = statement.sql.lstrip("( ").startswith("SELECT")
    how = "ANALYZE, TIMING OFF, FORMAT JSON" if is_read else "FORMAT JSON"
    with connection.connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({how}) {statement.sql}", params)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    for node in _nodes(plan):
        if node.get("Relation Name") in TABLES:
            loops = node.get("Actual Loops", 1)
            read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
            read += node.get("Rows Removed by Index Recheck", 0)
            statement.work += int(read * loops)
            statement.plan += (
                f"{node['Node Type']} {node['Relation Name']} {node.get('Index Name', '')} {read}x{loops} | "
            )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
