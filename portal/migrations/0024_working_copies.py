"""Working copies of law: what a person writes before they propose it, theirs alone."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from database.row_security import secure_own_rows, unsecure_rows

TABLE = "portal.portal_workingcopy"


def secure(_apps: Any, schema_editor: Any) -> None:
    """Let people see their own."""
    secure_own_rows(schema_editor.execute, TABLE)


def unsecure(_apps: Any, schema_editor: Any) -> None:
    """Undo it."""
    unsecure_rows(schema_editor.execute, TABLE)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0023_changes_of_law"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="WorkingCopy",
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
                ("market", models.CharField(max_length=48)),
                ("law_day", models.DateField()),
                ("drawn_from", models.DateTimeField()),
                ("wanted_from", models.DateField()),
                ("base", models.JSONField(default=dict)),
                ("bodies", models.JSONField(default=dict)),
                ("revision", models.BigIntegerField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("begun_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("-changed_at", "-id"),
                "indexes": [models.Index(fields=["user", "changed_at"], name="copies_by_account")],
            },
        ),
        migrations.RunPython(secure, unsecure),
    ]
