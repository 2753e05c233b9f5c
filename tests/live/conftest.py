"""What the tests of the live feed share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.db import connections

from tests.people import person

InDatabase = Callable[..., Any]


@pytest_asyncio.fixture
async def in_db(transactional_db: None) -> AsyncIterator[InDatabase]:
    """Runs a function in the thread of the sockets' database connection, which is closed at the end."""

    async def run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await database_sync_to_async(function)(*args, **kwargs)

    yield run
    await database_sync_to_async(connections.close_all)()


@pytest.fixture
def people(transactional_db: None) -> dict[str, Any]:
    """An owner, a viewer and an outsider."""
    return {"owner": person("owner"), "viewer": person("viewer", "viewer"), "outsider": person("outsider")}
