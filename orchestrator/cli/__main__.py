"""`python -m orchestrator.cli` is `baton`."""

from __future__ import annotations

from orchestrator.cli.app import main

main(prog_name="baton")
