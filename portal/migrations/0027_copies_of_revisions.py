"""The change of whose revision a working copy was begun."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0024_working_copies")]
    operations = [
        migrations.AddField(
            model_name="workingcopy", name="change", field=models.BigIntegerField(null=True)
        ),
    ]
