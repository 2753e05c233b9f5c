"""The group that gathers the commands. Django is set up when the first command is looked for, not before."""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib import import_module

import click
import django
from django.conf import settings

from orchestrator import __version__
from orchestrator.cli.exits import JSON_FLAG, Exit, Failure, sentence

# Heading in the help → modules, each with a tuple `COMMANDS`.
MODULES: dict[str, tuple[str, ...]] = {
    "Workflows": ("orchestrator.cli.workflows",),
    "Runs": ("orchestrator.cli.runs", "orchestrator.cli.watching"),
    "Approvals": (
        "orchestrator.cli.approvals",
        "orchestrator.cli.talk",
        "orchestrator.cli.delegations",
        "orchestrator.cli.chats",
    ),
    "Agents": ("orchestrator.cli.agents", "orchestrator.cli.agents_admin"),
    "Upkeep": ("orchestrator.cli.upkeep",),
    "Processes": ("orchestrator.cli.processes",),
}


class BatonGroup(click.Group):
    """Finds commands in `MODULES` and turns every error into a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for commands in _sections().values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return next((found[cmd_name] for found in _sections().values() if cmd_name in found), None)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None
        except Exception as error:
            if settings.DEBUG:
                logging.getLogger(__name__).exception("The command failed")
            raise Failure(error, as_json=bool(ctx.meta.get(JSON_FLAG))) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for heading, commands in _sections().items():
            rows = [(name, command.get_short_help_str(90)) for name, command in commands.items()]
            with formatter.section(heading):
                formatter.write_dl(rows)


@cache
def _sections() -> dict[str, dict[str, click.Command]]:
    _set_up()
    return {
        heading: {
            command.name or "": command for module in modules for command in import_module(module).COMMANDS
        }
        for heading, modules in MODULES.items()
    }


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    try:
        django.setup()
    except Exception as error:
        if os.environ.get("BATON_DEBUG"):
            raise
        raise click.ClickException(f"Baton cannot start with these settings. {sentence(error)}") from None


@click.group(
    cls=BatonGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=(
        "Where a command takes a RUN, give its number, or the id of a workflow, which means its latest run. "
        "Exit codes: 0 done, 1 failed or invalid, 2 wrong usage, 3 not found, 4 conflict, 5 time over."
    ),
)
@click.version_option(__version__, prog_name="baton")
def main() -> None:
    """Baton: workflows that people, AI agents and machines carry out together."""
