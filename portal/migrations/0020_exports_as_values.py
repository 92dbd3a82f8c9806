"""Why a file was refused is stored as it was found: its words are chosen as a page is rendered."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0018_changes")]
    operations = [
        migrations.AddField("export", "found", models.JSONField(default=list)),
    ]
