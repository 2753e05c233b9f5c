"""Django's registration of the editor."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_save


class EditorConfig(AppConfig):
    name = "editor"

    def ready(self) -> None:
        from editor.presence import announce_draft  # models are there only now

        post_save.connect(
            announce_draft, sender="orchestrator.Workflow", dispatch_uid="editor.announce_draft"
        )
