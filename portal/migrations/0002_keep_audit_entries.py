"""The database refuses to change an audit entry, as it refuses to change any published fact."""

from django.db import migrations

FORBID = """
CREATE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON portal_auditentry
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON portal_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
"""
ALLOW = """
DROP TRIGGER refuse_truncate ON portal_auditentry;
DROP TRIGGER refuse_row_change ON portal_auditentry;
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
