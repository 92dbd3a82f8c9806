"""The web process queues what its reader asked for, and says nothing of what came of it."""

from typing import Any

from django.db import migrations

from database.request_security import secure_requests, unsecure_requests


def secure(_apps: Any, schema_editor: Any) -> None:
    """Hold requests and jobs to their form."""
    secure_requests(schema_editor.execute)


def unsecure(_apps: Any, schema_editor: Any) -> None:
    """Undo it."""
    unsecure_requests(schema_editor.execute)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0019_exports_as_values"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    operations = [migrations.RunPython(secure, unsecure)]
