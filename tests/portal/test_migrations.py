"""What Django's models say is what its migrations make."""

from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from portal.django_on import django_on
from portal.export_subjects import DocumentIntervals, OwnEvidence, RunEvidence
from portal.models import Export

RUN = UUID("0198f000-0000-7000-8000-000000000000")
ASKED = {
    ("evidence", str(RUN)): RunEvidence(RUN),
    ("intervals", "gb12-invoice-000001"): DocumentIntervals("gb12-invoice-000001"),
    ("own", "gb12 hearth-energy"): OwnEvidence("gb12", "hearth-energy", None),
    ("own", "gb12 hearth-energy 2024-03"): OwnEvidence("gb12", "hearth-energy", "2024-03"),
}
INSERT = """
INSERT INTO portal.portal_export (user_id, kind, subject, asked_at, state, file_name, media_type,
                                  size_bytes, error)
SELECT min(id), %s, %s, now(), 'running', '', '', 0, '' FROM portal.auth_user
"""


def test_no_model_is_ahead_of_the_migrations():
    loader = MigrationLoader(None)
    found = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    assert found.changes(graph=loader.graph, trim_to_apps={"portal"}) == {}


def test_what_was_asked_for_stays_what_it_is_of(clone_portal_database, django_db_blocker):
    with django_db_blocker.unblock(), django_on(clone_portal_database()):
        migrate("0018_changes")
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO portal.auth_user (username, password, is_superuser, is_staff, "
                "is_active, first_name, last_name, email, date_joined) "
                "VALUES ('ada', '', false, false, true, '', '', '', now())"
            )
            for words in ASKED:
                cursor.execute(INSERT, words)
        migrate("0019_exports_as_values")
        found = list(Export.objects.order_by("pk"))
        assert [each.of for each in found] == list(ASKED.values())
        assert all(each.findings == [] for each in found)
        migrate("0018_changes")
        with connection.cursor() as cursor:
            cursor.execute("SELECT kind, subject FROM portal.portal_export ORDER BY id")
            assert cursor.fetchall() == list(ASKED)


def migrate(name: str) -> None:
    MigrationExecutor(connection).migrate([("portal", name)])
