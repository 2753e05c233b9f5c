"""Stored definitions: what is made once however many ask for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from orchestrator import engine
from orchestrator.engine import definitions
from orchestrator.engine.definitions import workflow_of_template
from orchestrator.exceptions import InvalidError
from orchestrator.models import Workflow
from tests.engine.flows import flow, task

pytestmark = pytest.mark.django_db(transaction=True)

FLOW = flow({"a": task()})


def made(_: int) -> int:
    try:
        return workflow_of_template("approval_chain").pk
    finally:
        connection.close()


def test_the_workflow_of_a_template_is_made_once_by_whoever_is_first() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(made, range(12)))
    assert found == set(Workflow.objects.values_list("pk", flat=True))
    assert len(found) == 1


@pytest.mark.parametrize("save", [lambda: engine.save_workflow(FLOW), lambda: engine.start_draft("Flow")])
def test_who_saves_a_name_that_was_taken_a_moment_ago_gets_the_next_key(
    save: Callable[[], Workflow], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = engine.save_workflow(FLOW)
    looked, free = iter([first.key]), definitions._free_key
    monkeypatch.setattr(definitions, "_free_key", lambda wish: next(looked, None) or free(wish))
    assert save().key == f"{first.key}-2"


def test_there_is_none_for_a_template_that_does_not_exist() -> None:
    with pytest.raises(InvalidError, match="no workflow template nothing"):
        workflow_of_template("nothing")
