"""The manifest of the schema: its text, whoever migrates, and the check that it is up to date."""

import doctest
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from psycopg import sql
from sqlalchemy import make_url, text

from database import schema
from database.catalogue import manifest
from database.catalogue.manifest import manifest_text, parse_manifest, schema_findings
from database.catalogue.verification import MANIFEST, describe
from database.outages import Unusable
from database.roles.granting import drop_roles
from database.session import make_engine
from portal.management.commands import schema as schema_command

TEXT = MANIFEST.read_text(encoding="utf-8")
EXPECTED = parse_manifest(TEXT)


def test_the_manifest_is_the_text_of_what_it_describes():
    assert manifest_text(EXPECTED) == TEXT
    assert {place.split(".")[0] for place in EXPECTED if "." in place.split()[0]} == {
        "rulebook",
        "settlement",
        "ledger",
        "people",
        "market",
        "portal",
        "public",
    }


def test_the_examples_hold():
    assert doctest.testmod(manifest).failed == 0


def test_a_line_that_names_no_place_is_refused():
    with pytest.raises(ValueError, match="names no place: '<<<<<<< HEAD'"):
        parse_manifest(TEXT.replace("\nrevision:", "\n<<<<<<< HEAD\nrevision:"))


@pytest.mark.parametrize(
    ("before", "after", "code", "value"),
    [
        (None, "table", "schema-added", "what no migration makes: 'table'"),
        ("table", None, "schema-missing", "nothing, expected 'table'"),
        ("table; owned by owner", "table", "schema-changed", "nothing, expected 'owned by owner'"),
        ("a; b", "b; a", "schema-changed", "'b; a', expected 'a; b'"),
        (
            f"CHECK ({'x' * 90} > 1)",
            f"CHECK ({'x' * 90} > 2)",
            "schema-changed",
            f"'...{'x' * 37} > 2)', expected '...{'x' * 37} > 1)'",
        ),
        ("f\nBEGIN\nEND", "f\nEND", "schema-changed", "'END', expected 'BEGIN' (line 2)"),
    ],
)
def test_what_differs_is_said_by_itself(before, after, code, value):
    expected = {"x": before} if before else {}
    found = {"x": after} if after else {}
    (finding,) = schema_findings(expected, found)
    assert (finding.code, finding.place, finding.value) == (code, "x", value)
    assert "migrations/schema.txt" in finding.remedy


@pytest.fixture
def fresh(monkeypatch) -> Iterator[dict[str, str]]:
    """What a fresh migration makes, as the commands see it; a test changes it."""
    made = dict(EXPECTED)
    monkeypatch.setattr(schema_command, "describe_fresh_schema", lambda _url: made)
    monkeypatch.setattr(schema_command, "admin_url", lambda: "")
    return made


def test_a_manifest_that_is_not_up_to_date_fails_the_check(fresh, monkeypatch, tmp_path):
    call_command("schema", "check")
    del fresh["ledger.seal"]
    fresh["ledger.stamp"] = "table; owned by owner"
    with pytest.raises(CommandError) as refused:
        call_command("schema", "check")
    assert str(refused.value).splitlines() == [
        "migrations/schema.txt is not what the migrations make; `manage.py schema manifest` writes "
        "it:",
        f"ledger.seal: what no migration makes: '{EXPECTED['ledger.seal']}'",
        "ledger.stamp: nothing, expected 'table; owned by owner'",
    ]
    monkeypatch.setattr(schema_command, "MANIFEST", tmp_path / "schema.txt")
    with pytest.raises(CommandError, match="nothing, expected"):
        call_command("schema", "check")
    call_command("schema", "manifest")
    call_command("schema", "check")


def test_whoever_migrates_makes_the_same_schema(server_url):
    """A role that may make roles, in a database of its own, as on a server that others run."""
    role = f"owner_{uuid.uuid4().hex[:12]}"
    name = sql.Identifier(role)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(name))
        try:
            address = make_url(server_url).set(database=role)
            owned = address.set(username=role, password="x", drivername="postgresql")
            with pytest.raises(Unusable, match="Give it CREATEROLE and BYPASSRLS, or let"):
                schema.upgrade(owned.render_as_string(hide_password=False))
            connection.execute(sql.SQL("ALTER ROLE {} CREATEROLE BYPASSRLS").format(name))
            schema.upgrade(owned.render_as_string(hide_password=False))
            engine = make_engine(address.render_as_string(hide_password=False))
            with engine.connect() as opened:
                found = describe(opened)
            engine.dispose()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            drop_roles(connection, role)
            connection.execute(sql.SQL("DROP ROLE {}").format(name))
    assert list(schema_findings(EXPECTED, found)) == []


def test_who_may_only_read_the_catalogue_sees_the_same(session):
    connection = session.connection()
    connection.execute(text("CREATE ROLE reader"))
    connection.execute(text("GRANT USAGE ON SCHEMA public TO reader"))
    connection.execute(text("GRANT SELECT ON public.alembic_version TO reader"))
    connection.execute(text("SET LOCAL ROLE reader"))
    findings = list(schema_findings(EXPECTED, describe(connection)))
    assert [finding.value for finding in findings] == [
        "'role reader may SELECT', expected no more",
        "'role reader may USAGE', expected no more",
    ]
