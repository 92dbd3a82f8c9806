"""Fairness reports that a page asks for: who asked sees how far theirs is, and the worker says the rest."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from database.request_security import (
    FIRST_TASKS,
    secure_request,
    unsecure_request,
    widen_queue,
)

TABLE = "portal.portal_askedreport"
WITH_TRIALS = (*FIRST_TASKS, "trial")


def secure(_apps: Any, schema_editor: Any) -> None:
    """Let the web process ask for reports, and queue their jobs."""
    secure_request(schema_editor.execute, TABLE)
    widen_queue(schema_editor.execute, (*WITH_TRIALS, "report"))


def unsecure(_apps: Any, schema_editor: Any) -> None:
    """Undo it."""
    widen_queue(schema_editor.execute, WITH_TRIALS)
    unsecure_request(schema_editor.execute, TABLE)


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0025_copies_of_revisions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AskedReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('market', models.CharField(max_length=100)),
                ('first_day', models.DateField()),
                ('last_day', models.DateField()),
                ('asked_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('running', 'Being made'), ('done', 'Made'), ('refused', 'Refused'), ('failed', 'Failed')], default='running', max_length=12)),
                ('finished_at', models.DateTimeField(null=True)),
                ('found', models.JSONField(default=list)),
                ('error', models.TextField(blank=True)),
                ('job_number', models.BigIntegerField(null=True)),
                ('done', models.PositiveIntegerField(db_default=0, default=0)),
                ('total', models.PositiveIntegerField(db_default=0, default=0)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-asked_at', '-id'),
                'indexes': [models.Index(fields=['state', 'asked_at'], name='asked_reports_by_state')],
            },
        ),
        migrations.RunPython(secure, unsecure),
    ]
