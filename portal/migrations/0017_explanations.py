"""Explanations are worked out by the worker, and the web process sees who asks what is theirs."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from database.row_security import secure_own_rows, unsecure_rows

STATES = [
    ("running", "Being worked out"),
    ("ready", "Ready"),
    ("nothing", "Nothing to explain"),
    ("failed", "Failed"),
]


TABLES = (
    "portal.portal_act",
    "portal.portal_export",
    "portal.portal_exportpart",
    "portal.portal_explanationrequest",
    "portal.portal_noticeread",
    "portal.portal_use",
    "portal.portal_replayrequest",
    "portal.portal_auditentry",
)


def secure(_apps: Any, schema_editor: Any) -> None:
    """Let each account see its own rows."""
    for table in TABLES:
        secure_own_rows(schema_editor.execute, table)


def unsecure(_apps: Any, schema_editor: Any) -> None:
    """Undo it."""
    for table in reversed(TABLES):
        unsecure_rows(schema_editor.execute, table)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0016_evidence_of_ones_own"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="ExplanationRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        settings.AUTH_USER_MODEL,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                    ),
                ),
                ("rights", models.JSONField()),
                ("document", models.CharField(max_length=100)),
                ("line", models.PositiveIntegerField()),
                ("day", models.DateField(null=True)),
                ("interval", models.PositiveIntegerField(null=True)),
                ("asked_at", models.DateTimeField()),
                ("state", models.CharField(choices=STATES, default="running", max_length=12)),
                ("content", models.TextField(blank=True)),
                ("job_number", models.BigIntegerField(null=True)),
            ],
            options={
                "ordering": ("-asked_at", "-id"),
                "indexes": [
                    models.Index(fields=["user", "document", "line"], name="explanations_by_line")
                ],
            },
        ),
        migrations.RunPython(secure, unsecure),
    ]
