"""Wrong passwords, counted to slow down guessing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orchestrator", "0002_groups")]

    operations = [
        migrations.CreateModel(
            name="SignInFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["key", "at"], name="sign_in_failure_recent")],
            },
        ),
    ]
