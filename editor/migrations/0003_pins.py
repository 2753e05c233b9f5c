import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import orchestrator.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("editor", "0002_presence"),
        ("orchestrator", "0006_test_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("task", models.CharField(max_length=100)),
                ("data", orchestrator.models.fields.OrderedJSONField()),
                ("source", models.CharField(blank=True, max_length=40)),
                ("at", models.DateTimeField(auto_now=True)),
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
                        related_name="pins",
                        to="orchestrator.workflow",
                    ),
                ),
            ],
            options={
                "ordering": ("workflow_id", "task"),
                "constraints": [
                    models.UniqueConstraint(fields=("workflow", "task"), name="pin_once"),
                ],
            },
        ),
    ]
