"""Django's way in. The commands themselves live in `orchestrator.cli`."""
