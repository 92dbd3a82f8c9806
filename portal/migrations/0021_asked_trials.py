"""Trials that a page asks for: who asked sees how far theirs is, and what came of it the worker says."""

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

TABLE = "portal.portal_askedtrial"
WITH_TRIALS = (*FIRST_TASKS, "trial")


def secure(_apps: Any, schema_editor: Any) -> None:
    """Let the web process ask for trials, and queue their jobs."""
    secure_request(schema_editor.execute, TABLE)
    widen_queue(schema_editor.execute, WITH_TRIALS)


def unsecure(_apps: Any, schema_editor: Any) -> None:
    """Undo it."""
    widen_queue(schema_editor.execute, FIRST_TASKS)
    unsecure_request(schema_editor.execute, TABLE)


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0020_queue'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('sign-in', 'Signed in'), ('sign-out', 'Signed out'), ('sign-in-refused', 'Sign-in refused'), ('session-refused', "Refused a session that was not the portal's"), ('password', 'Changed the password'), ('app-added', 'Added a second factor'), ('app-removed', 'Removed a second factor'), ('factor-refused', 'Second factor refused'), ('recovery-code', 'Used a recovery code'), ('recovery-codes', 'Made new recovery codes'), ('confirmed', 'Confirmed who they are'), ('replay', 'Asked for a replay'), ('trial', 'Asked for a trial'), ('dispute', 'Took a step in a dispute'), ('statement-imported', 'Imported a bank statement'), ('payment-allocated', 'Allocated a payment'), ('payment-returned', 'Returned a payment to the queue'), ('evidence', 'Downloaded evidence'), ('export', 'Took a file'), ('reading', "Read another's data"), ('invited', 'Invited an account'), ('first-password', 'Set a password by an invitation'), ('account-made', 'Made an account'), ('grant-proposed', 'Proposed a right'), ('grant-approved', 'Approved a right'), ('right-withdrawn', 'Took a right away'), ('change-confirmed', 'Confirmed a change of who is paid'), ('change-objected', 'Objected to a change of who is paid'), ('demo-sign-in', 'Demo sign-in made')], max_length=24),
        ),
        migrations.CreateModel(
            name='AskedTrial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('market', models.CharField(max_length=100)),
                ('first_day', models.DateField()),
                ('last_day', models.DateField()),
                ('drafts', models.JSONField()),
                ('threshold_ppm', models.PositiveIntegerField()),
                ('mode', models.CharField(default='as-metered', max_length=12)),
                ('asked_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('running', 'Being tried'), ('done', 'Tried'), ('refused', 'Refused'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='running', max_length=12)),
                ('wish', models.CharField(blank=True, choices=[('', 'Go on'), ('pause', 'Pause'), ('cancel', 'Cancel')], default='', max_length=8)),
                ('trial_id', models.UUIDField(null=True)),
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
                'indexes': [models.Index(fields=['state', 'asked_at'], name='asked_trials_by_state')],
            },
        ),
        migrations.RunPython(secure, unsecure),
    ]
