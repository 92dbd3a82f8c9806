"""What a file is of, and why one was refused, are values: words are chosen as a page is rendered."""

from django.db import migrations, models

AS_VALUES = """
ALTER TABLE portal_export ALTER COLUMN subject TYPE jsonb USING CASE kind
    WHEN 'evidence' THEN jsonb_build_object('run', subject)
    WHEN 'intervals' THEN jsonb_build_object('document', subject)
    ELSE jsonb_build_object(
        'market', split_part(subject, ' ', 1), 'participant', split_part(subject, ' ', 2),
        'month', nullif(split_part(subject, ' ', 3), ''))
    END
"""
AS_WORDS = """
ALTER TABLE portal_export ALTER COLUMN subject TYPE varchar(200) USING CASE kind
    WHEN 'evidence' THEN subject ->> 'run'
    WHEN 'intervals' THEN subject ->> 'document'
    ELSE concat_ws(' ', subject ->> 'market', subject ->> 'participant', subject ->> 'month')
    END
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0018_changes")]
    operations = [
        migrations.AddField("export", "found", models.JSONField(default=list)),
        migrations.RunSQL(
            AS_VALUES,
            AS_WORDS,
            state_operations=[migrations.AlterField("export", "subject", models.JSONField())],
        ),
    ]
