from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orchestrator', '0010_delegation'),
    ]

    operations = [
        migrations.AddField(
            model_name='agent',
            name='transport',
            field=models.CharField(choices=[('http', 'HTTP'), ('outbox', 'Outbox')], default='http', max_length=10),
        ),
    ]
