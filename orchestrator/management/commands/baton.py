"""`manage.py baton …` is `baton …`, for who is used to Django's way."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand

from orchestrator.cli import main


class Command(BaseCommand):
    help = "Run a command of baton: manage.py baton list."

    def run_from_argv(self, argv: list[str]) -> None:
        """Everything after the name is baton's own, its --help and exit codes too."""
        sys.exit(main(argv[2:], prog_name="baton"))
