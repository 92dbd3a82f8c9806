"""The change of whose revision a working copy was begun; ends of registrations, and approvals."""

from django.db import migrations, models

from portal.models import Act, AuditEntry


class Migration(migrations.Migration):
    dependencies = [("portal", "0024_working_copies")]
    operations = [
        migrations.AddField(
            model_name="workingcopy", name="change", field=models.BigIntegerField(null=True)
        ),
        # What may be chosen is nothing of the database's.
        migrations.AlterField(
            model_name="act",
            name="kind",
            field=models.CharField(choices=Act.Kind.choices, max_length=12),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(choices=AuditEntry.Action.choices, max_length=24),
        ),
    ]
