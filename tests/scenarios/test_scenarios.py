"""Every folder below is a case: given this law and these readings, when this is done, then that.

The format is in README.md.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from tests.scenarios.expected import differences
from tests.scenarios.law import BASE
from tests.scenarios.steps import Scenario, publish_base
from tests.worlds.rolled_back import rolled_back

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/*/purpose.md"))
PARTS = {"purpose.md", "when", "then"}


def name(folder: Path) -> str:
    return str(folder.relative_to(HERE))


@pytest.fixture(scope="module")
def governed(clone_database) -> Iterator[Engine]:
    """A database of the base law, published once for all scenarios."""
    made = make_engine(clone_database())
    with transaction(made) as opened:
        publish_base(opened)
    yield made
    made.dispose()


@pytest.fixture
def session(governed) -> Iterator[Session]:
    """A session in which the base law is published; rolled back at the end."""
    with rolled_back(governed) as opened:
        yield opened


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_scenario(folder, session):
    told = Scenario(folder, session).play()
    found = differences(session, folder, told)
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_folder_says_what_it_is_for_and_holds_nothing_else(folder):
    purpose, _, _ = (folder / "purpose.md").read_text(encoding="utf-8").strip().partition("\n")
    assert purpose.endswith("."), "purpose.md opens with a sentence, on one line"
    strangers = [
        path.name
        for path in folder.iterdir()
        if path.name not in PARTS and not path.match("given_law*.yaml")
    ]
    assert strangers == []


def test_no_folder_is_left_out():
    """A folder without a purpose would be collected by nobody."""
    folders = {path.parent for path in HERE.glob("*/*/then")}
    assert folders == set(FOLDERS)
    assert len(FOLDERS) > 1
    assert BASE.is_dir()
