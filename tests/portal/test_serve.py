"""The command that serves the portal; the browser tests drive what it serves."""

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.executor import MigrationExecutor


@pytest.mark.django_db
def test_a_database_of_another_version_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [object()])
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        call_command("serve")
