"""Who may act, what was done, sent and computed again: every change becomes a link of the trail."""

from typing import Any

from django.db import migrations

from database.chained import chain_rows, unchain_rows

CHAINED = {
    "account_emailaddress": ("id", "user_id", "email", "verified", "primary"),
    "auth_group": ("id", "name"),
    "auth_user": (
        "id", "username", "password", "email", "first_name", "last_name", "is_active", "is_staff",
        "is_superuser", "date_joined",
    ),
    "auth_user_groups": ("id", "user_id", "group_id"),
    "mfa_authenticator": ("id", "user_id", "type", "data", "created_at"),
    "portal_auditentry": ("id", "at", "user_number", "user_name", "action", "subject", "reason"),
    "portal_membership": ("id", "user_id", "market", "participant"),
    "portal_noticesent": ("id", "key", "sent_at", "sent_to"),
    "portal_replayrequest": (
        "id", "run_id", "requested_by_id", "requested_at", "state", "finished_at",
        "stored_digest", "recomputed_digest", "first_difference", "error",
    ),
}  # fmt: skip
FORBID = """
CREATE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON portal.portal_noticesent
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON portal.portal_noticesent
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
"""
ALLOW = """
DROP TRIGGER refuse_truncate ON portal.portal_noticesent;
DROP TRIGGER refuse_row_change ON portal.portal_noticesent;
"""


def chain(apps: Any, schema_editor: Any) -> None:
    for table, columns in CHAINED.items():
        chain_rows(schema_editor.execute, f"portal.{table}", *columns)


def unchain(apps: Any, schema_editor: Any) -> None:
    for table in reversed(CHAINED):
        unchain_rows(schema_editor.execute, f"portal.{table}")


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0006_uses"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [
        migrations.RunSQL(FORBID, ALLOW),
        migrations.RunPython(chain, unchain),
    ]
