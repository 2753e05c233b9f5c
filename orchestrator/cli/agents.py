"""The group of the commands about agents."""

from __future__ import annotations

import click


@click.group("agents")
def agents() -> None:
    """Register agents, see how they do, or be one."""


COMMANDS = (agents,)
