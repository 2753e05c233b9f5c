"""What stands in a test run where a task is not done but its outcome given: no action of the language."""

from __future__ import annotations

from orchestrator.actions.base import Action
from orchestrator.definition.fields import ParameterSchema


class StandIn(Action):
    name = "stand_in"
    label = "Stand-in"
    icon = "i-flask-conical"
    kind = "condition"
    summary = "Gives in a test run what a task would give, without doing it."
    notes = "Only test runs have it; a definition that names it is refused."
    produces = "What was pinned, taken from a past run or made up."
    parameters = ParameterSchema(internal=True)
    examples = ()
