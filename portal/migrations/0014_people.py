"""Users are accounts of `people`, which say what they may do; groups and memberships go."""

from typing import Any

import django.core.validators
from django.db import migrations, models

from database.chained import chain_rows, unchain_rows

ENTRY = "portal.portal_auditentry"
BEFORE = ("id", "at", "user_number", "user_name", "action", "subject", "reason")
AFTER = ("id", "at", "account", "action", "subject", "reason")
OF_ACCOUNT = """
ALTER TABLE portal.auth_user ADD CONSTRAINT fk_user_account
    FOREIGN KEY (username) REFERENCES people.account (id)
"""
OF_NONE = "ALTER TABLE portal.auth_user DROP CONSTRAINT fk_user_account"


def unchain(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in ("portal.portal_membership", "portal.auth_user_groups", "portal.auth_group"):
        unchain_rows(schema_editor.execute, table)
    unchain_rows(schema_editor.execute, ENTRY)


def chain(apps: Any, schema_editor: Any) -> None:
    chain_rows(schema_editor.execute, ENTRY, *AFTER)


class Migration(migrations.Migration):
    dependencies = [("portal", "0013_subject_of_an_act")]
    operations = [
        migrations.RunPython(unchain),
        migrations.DeleteModel("Membership"),
        migrations.RemoveField("auditentry", "user_number"),
        migrations.RemoveField("auditentry", "user_name"),
        migrations.AddField(
            "auditentry",
            "account",
            models.CharField(blank=True, default="", max_length=150),
            preserve_default=False,
        ),
        migrations.RunPython(chain),
        migrations.RunSQL(OF_ACCOUNT, OF_NONE),
    ]
