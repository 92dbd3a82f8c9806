"""A participant's evidence is made by the worker: no page reads the rows that its roots are over."""

from django.db import migrations, models

KINDS = [
    ("evidence", "Evidence of a run"),
    ("intervals", "Intervals of a document"),
    ("own", "Evidence of one's own documents"),
]


class Migration(migrations.Migration):
    dependencies = [("portal", "0015_people_on_pages")]
    operations = [
        migrations.AlterField("export", "kind", models.CharField(choices=KINDS, max_length=12))
    ]
