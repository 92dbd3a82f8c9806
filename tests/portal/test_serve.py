"""The command that serves the portal; the browser tests drive what it serves."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.executor import MigrationExecutor

from portal.management.console import announce_portal


@pytest.mark.django_db
def test_a_database_of_another_version_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr("portal.management.commands.serve.refuse_wrong_roles", lambda: None)
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [object()])
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        call_command("serve", "--port", "0")


def test_a_portal_that_nobody_can_sign_in_to_says_what_it_shows():
    told = io.StringIO()
    announce_portal(told, (), "http://127.0.0.1:8000/", is_public=True)
    assert "Nobody has a sign-in here" in told.getvalue()
    told = io.StringIO()
    announce_portal(told, (), "http://127.0.0.1:8000/")
    assert "sign-in" not in told.getvalue()
