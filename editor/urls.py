"""The routes of the editor's pages."""

from __future__ import annotations

from django.urls import path

from editor import (
    canvas_view,
    saving_view,
    simulate_view,
    templates_view,
    text_view,
    try_view,
    versions_view,
    views,
)
from editor.inspector import views as inspector
from orchestrator.web import creating

urlpatterns = [
    path("workflows/new/", templates_view.gallery, name="workflow-new"),
    path("workflows/new/blank/", views.blank, name="workflow-blank"),
    path("workflows/<slug:key>/edit/canvas/", canvas_view.edit_canvas, name="workflow-canvas"),
    path("workflows/new/import/", creating.import_definition, name="workflow-import"),
    path("workflows/new/<slug:template>/", templates_view.from_template, name="workflow-template"),
    path("workflows/new/<slug:template>/preview/", templates_view.preview, name="template-preview"),
    path("workflows/new/<slug:template>/<slug:verb>/", saving_view.carry_out, name="template-verb"),
    path("workflows/<slug:key>/template/", saving_view.save_as, name="template-save"),
    path("workflows/<slug:key>/edit/json/", text_view.edit_text, name="workflow-text"),
    path("workflows/<slug:key>/edit/inspector/", inspector.workflow, name="workflow-inspector"),
    path("workflows/<slug:key>/edit/inspector/<str:task>/", inspector.task, name="draft-inspector"),
    path("workflows/<slug:key>/edit/known/<str:task>/", inspector.known, name="draft-known"),
    path("workflows/<slug:key>/edit/evaluate/", inspector.try_out, name="draft-evaluate"),
    path("workflows/<slug:key>/simulate/", simulate_view.simulate_draft, name="workflow-simulate"),
    path("workflows/<slug:key>/try/", try_view.try_draft, name="workflow-try"),
    path("workflows/<slug:key>/diff/", versions_view.choose, name="workflow-diff-choose"),
    path("workflows/<slug:key>/diff/<slug:before>/<slug:after>/", versions_view.diff, name="workflow-diff"),
    path("workflows/<slug:key>/restore/", versions_view.restore, name="workflow-restore"),
    path("workflows/<slug:key>/draft.<slug:form>", text_view.download_draft, name="draft-download"),
    path("workflows/<slug:key>/edit/", views.edit, name="workflow-edit"),
]
