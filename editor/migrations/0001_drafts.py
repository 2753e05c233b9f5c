import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import orchestrator.models.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orchestrator", "0005_indexes_of_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DraftChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rev", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("of", models.PositiveIntegerField(blank=True, null=True)),
                ("batch", models.CharField(blank=True, max_length=64)),
                ("operations", orchestrator.models.fields.OrderedJSONField(default=list)),
                ("changes", orchestrator.models.fields.OrderedJSONField(default=list)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="draft_changes",
                        to="orchestrator.workflow",
                    ),
                ),
            ],
            options={
                "ordering": ("workflow_id", "rev"),
                "constraints": [
                    models.UniqueConstraint(fields=("workflow", "rev"), name="draft_change_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("batch", ""), _negated=True),
                        fields=("workflow", "user", "batch"),
                        name="draft_batch_once",
                    ),
                ],
            },
        ),
    ]
