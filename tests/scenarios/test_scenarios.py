"""Every folder below is a case: given this law and these readings, when this is done, then that.

The format is in README.md.
"""

from pathlib import Path

import pytest

from tests.scenarios.expected import differences
from tests.scenarios.law import BASE
from tests.scenarios.steps import Scenario

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/*/purpose.md"))
PARTS = {"purpose.md", "when", "then"}


def name(folder: Path) -> str:
    return str(folder.relative_to(HERE))


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
