"""Every command says the same thing in the same words: options, help, JSON, the clock."""

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import load_command_class

from portal.management import arguments
from portal.management.arguments import Argument, month_days, parse_day, parse_instant
from portal.management.base import BaseCommand

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "portal/management/commands"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")

DJANGOS_OWN = {"migrate": "Django's command, which upgrades the domain schema first"}
WITHOUT_JSON = {"schema": "acts on the schema, or names the files that it wrote"}

SHARED = {
    shared.name: shared.settings
    for shared in vars(arguments).values()
    if isinstance(shared, Argument)
}
WORDS_OF_TYPE = {
    parse_day: {
        "day",
        "--day",
        "--from",
        "--to",
        "--on",
        "--valid-from",
        "--valid-to",
        "--drawn-from",
        "--last-day",
        "--review-on",
        "--before",
        "--after",
    },
    parse_instant: {"--known-at", "--at", "--before-known", "--after-known"},
    month_days: {"--month"},
}
"""What a day, an instant and a month are called, whatever the command."""


def ours() -> list[str]:
    return [name for name in NAMES if name not in DJANGOS_OWN]


def goes_on(name: str) -> bool:
    """Return whether a command goes on until it is stopped, and so has no outcome to print."""
    if name in DJANGOS_OWN:
        return False
    return type(load_command_class("portal", name)).go_on is not BaseCommand.go_on


def parsers(name: str) -> list[argparse.ArgumentParser]:
    """Return the parser of a command, and those of its subcommands."""
    parser = load_command_class("portal", name).create_parser("manage.py", name)
    subparsers = [
        of_action
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for of_action in action.choices.values()
    ]
    return [parser, *subparsers]


DJANGO_OPTIONS = {
    option
    for action in BaseCommand().create_parser("manage.py", "any")._actions
    for option in action.option_strings
}


def own_actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a parser takes beyond what every command of Django takes."""
    return [each for each in parser._actions if not DJANGO_OPTIONS & set(each.option_strings)]


def word(action: argparse.Action) -> str:
    """Return what somebody writes, or the name of what is written by its place."""
    return action.option_strings[0] if action.option_strings else action.dest


@pytest.mark.parametrize("name", ours())
def test_a_command_is_one_of_the_house(name):
    command = load_command_class("portal", name)
    assert isinstance(command, BaseCommand)
    assert bool(command.takes) != bool(command.actions), "declare what it takes, in one way"
    assert "handle" not in vars(type(command)), "the base command handles; say what it does in run"
    assert "add_arguments" not in vars(type(command)), "declare arguments in `takes`"


@pytest.mark.parametrize("name", NAMES)
def test_a_command_and_every_argument_has_help(name):
    for parser in parsers(name):
        assert parser.description
        for action in own_actions(parser):
            is_choice = isinstance(action, argparse._SubParsersAction) or action.choices
            assert action.help or is_choice, f"{name} {word(action)}"


@pytest.mark.parametrize("name", NAMES)
def test_help_names_no_unit_of_storage(name):
    for parser in parsers(name):
        assert not re.search(r"\b(micro|ppm|Wh)\b", parser.format_help()), parser.prog


@pytest.mark.parametrize("name", ours())
def test_a_command_that_prints_data_prints_it_as_json(name):
    has_json = type(load_command_class("portal", name)).as_json is not BaseCommand.as_json
    is_without = name in WITHOUT_JSON or goes_on(name)
    assert has_json != is_without
    leaves = parsers(name)[1:] or parsers(name)
    for parser in leaves:
        takes_json = any(word(action) == "--json" for action in own_actions(parser))
        assert takes_json != is_without, parser.prog


@pytest.mark.parametrize("name", ours())
def test_what_commands_share_is_called_the_same_and_parsed_the_same(name):
    for parser in parsers(name):
        for action in own_actions(parser):
            of_type = WORDS_OF_TYPE.get(action.type)
            assert of_type is None or word(action) in of_type, f"{name} {word(action)}"
            settings = SHARED.get(word(action))
            if settings is not None:
                assert action.type == settings.get("type"), f"{name} {word(action)}"
                assert action.metavar == settings.get("metavar"), f"{name} {word(action)}"
                assert action.dest == settings.get("dest", action.dest), f"{name} {word(action)}"


def test_an_option_of_several_commands_is_parsed_the_same_in_all():
    known: dict[str, tuple] = {}
    for name in ours():
        for parser in parsers(name):
            for action in own_actions(parser):
                if action.option_strings:
                    kind = (action.type, action.dest, action.metavar)
                    assert known.setdefault(word(action), kind) == kind, f"{name} {word(action)}"


def test_a_market_is_named_by_its_place_or_narrows_by_an_option():
    for name in ours():
        for parser in parsers(name):
            words = [word(action) for action in own_actions(parser)]
            assert not {"market", "--market"} <= set(words), name
            assert "market" not in words or words.index("market") == 0, name


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_command_reads_the_clock_by_its_base_alone(path):
    clocks = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("now", "utcnow", "today", "time")
    }
    assert clocks <= {"self.now"}


def test_what_serves_or_works_goes_on():
    assert {name for name in ours() if goes_on(name)} == {
        "demo",
        "serve",
        "serve_witness",
        "worker",
    }


def test_the_lists_of_exceptions_hold_no_command_that_is_gone():
    assert {*DJANGOS_OWN, *WITHOUT_JSON} <= set(NAMES)


NEEDED_BY_ALL = {"common", "database", "portal"}
STARTED = """
import sys, django
django.setup()
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_a_command_starts_without_what_another_one_needs():
    """Django reads applications and their tasks in every command, even to print its help."""
    found = subprocess.run(
        [sys.executable, "-c", STARTED],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    houses = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert set(found.stdout.split()) & (houses | {"numba", "numpy", "pypdf"}) == NEEDED_BY_ALL


def listed() -> list[list[str]]:
    """Return what `docs/commands.md` lists, a row of words for each command with its options."""
    rows = (ROOT / "docs/commands.md").read_text().splitlines()
    cells = [row.split(" | ")[0] for row in rows if row.startswith("| `")]
    return [written.split() for cell in cells for written in re.findall("`(.*?)`", cell)]


def test_the_document_of_commands_lists_each_and_none_else():
    assert sorted({command for command, *_ in listed()}) == NAMES


@pytest.mark.parametrize("written", listed(), ids=" ".join)
def test_an_option_in_the_document_of_commands_is_one(written):
    command, *words = written
    known = {option for parser in parsers(command) for option in parser._option_string_actions}
    assert {word for word in words if word.startswith("--")} <= known
