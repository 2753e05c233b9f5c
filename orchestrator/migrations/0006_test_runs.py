from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orchestrator", "0005_indexes_of_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="is_trial",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="workflowversion",
            name="draft_rev",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="workflowversion",
            name="number",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("is_trial", True)), fields=["-id"], name="run_trials"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("is_trial", True)),
                fields=["workflow", "-id"],
                name="run_trials_of_workflow",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("is_trial", True)),
                fields=["finished_at", "created_at"],
                name="run_trials_ended_at",
            ),
        ),
        migrations.AddIndex(
            model_name="workflowversion",
            index=models.Index(
                condition=models.Q(("number__isnull", True)), fields=["created_at"], name="version_of_trial"
            ),
        ),
    ]
