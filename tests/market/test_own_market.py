"""The recipe of `docs/market.md` for a market of one's own, run as it is written.

But for what the README's test runs, too, the sign-in, and for the process that leads: here whoever
waits for it leads, and what is told is taken at once.
"""

import json
import re
import shlex
import subprocess
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from database.session import transaction
from portal import market_asking
from tests.conftest import ROOT
from tests.test_commands import command_on  # noqa: F401  a fixture
from tests.worlds import people
from tests.worlds.online import lead

HEADING = "\n## A market of your own, online\n"
ACCOUNTS = {"": people.USUAL, "bo": "grace", "cat": "cat"}
OF_ANOTHER_TEST = ("market run ", "people invite ", " login ")


def blocks() -> list[str]:
    """Return what stands indented in the recipe: law, files and commands, without the indent."""
    recipe = (ROOT / "docs" / "market.md").read_text().split(HEADING)[1].split("\n## ")[0]
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", recipe, re.MULTILINE)
    return [re.sub("^    ", "", block.strip("\n") + "\n", flags=re.MULTILINE) for block in found]


@pytest.fixture
def by_hand(command_on, committed_database, tmp_path, monkeypatch):  # noqa: F811
    """Run a line of the recipe in a folder of its own, as who it says, and return what it says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    (tmp_path / "var").mkdir()
    run, known = command_on(committed_database), {}
    leading = SimpleNamespace(
        monotonic=time.monotonic, sleep=lambda _seconds: lead(committed_database, "tidewater")
    )
    monkeypatch.setattr(market_asking, "time", leading)

    def line(written: str) -> str:
        words = shlex.split(written, comments=True)
        account = words.pop(0).partition("/")[2] if words[0].startswith("XDG") else ""
        if words[0] != "manage.py":
            return subprocess.run(words, check=True, capture_output=True, text=True).stdout
        words = [known.get(word, word) for word in words[1:]]
        if words[0] == "approve":
            words[1] = known["NUMBER"]
        words = [str(each) for word in words for each in (sorted(tmp_path.glob(word)) or [word])]
        with people.as_account(monkeypatch, ACCOUNTS[account]):
            done = run(*words)
        assert done.status == 0, f"{written}\n{done.out}\n{done.err}"
        if words[0] == "propose":
            known["NUMBER"], known["DIGEST"] = re.findall(r"approve (\d+) (\w+)`", done.out)[0]
        elif words[0] == "settle":
            known["RUN"] = done.out.split()[1]
        if words[:2] == ["people", "add"]:
            with transaction(committed_database) as session:
                people.let_sign_in(session, words[2])
        if words[0] == "settle" or words[:2] in (["market", "tell"], ["market", "feed"]):
            lead(committed_database, "tidewater")
        return done.out

    return line


def test_a_market_of_ones_own_comes_online_as_it_is_written(
    by_hand,
    command_on,  # noqa: F811
    committed_database,
    tmp_path,
):
    copied, law, decided, morning, evening, lived = blocks()
    for line in copied.splitlines():
        by_hand(f"bash -c {shlex.quote(line)}")
    rules = tmp_path / "var/tidewater/market-rules.yaml"
    clause, part = law.split("\n\n")
    clause = "".join(f"  {line}\n" for line in clause.splitlines())
    rules.write_text(rules.read_text().replace("\ntime_zone:", f"{clause}\ntime_zone:") + part)
    (tmp_path / "var/morning.csv").write_text(morning)
    (tmp_path / "var/evening.jsonl").write_text(evening)
    steps = [*decided.splitlines(), *lived.splitlines()]
    said = {step: by_hand(step) for step in steps if not any(e in step for e in OF_ANOTHER_TEST)}
    (listed,) = (out for step, out in said.items() if " bookings " in step)
    assert ("Booking 1, bay-supply: delivered." in listed, "cancelled" in listed) == (True, True)
    with transaction(committed_database) as session:
        assert session.scalars(text("SELECT DISTINCT outcome FROM market.event")).all() == ["taken"]
    morning_said, evening_said = (said[step] for step in steps if " tell " in step)
    assert "The market's clock begins at 2025-02-03T00:00Z." in morning_said
    assert "from 2025-02-03T00:05Z to 2025-02-04T00:00Z, 23 h 55 min on." in evening_said
    (number,) = re.findall(r"(\S+) invoice +bay-supply", "".join(said.values()))
    by_hand(f"manage.py invoice_document {number} --format json --out var/bill.json")
    assert "Booking 1" in (tmp_path / "var/bill.json").read_text()
    by_hand('manage.py people add dan "Dan Dealer"')  # as `found` takes names, and with --name
    told_again_and_otherwise(by_hand, command_on(committed_database), tmp_path)


def told_again_and_otherwise(by_hand, run, folder):
    """What was told is told once; a file that is wrong anywhere is told nothing of, at its rows."""
    again = by_hand("manage.py market tell tidewater var/morning.csv var/evening.jsonl")
    assert "0 events told; 14 had been told before" in again
    for said, places in (
        ("2025-02-04T01:00Z,demand,north-homes,1\n2025-02-04,outage,gas,\n", {"2": "moment"}),
        ("2025-02-03T00:00Z,demand,north-homes,1\n", {"1": "key-again"}),
        ("2025-02-04T01:00Z,outage,gas,\n2025-02-04T01:00Z,sale,gas,\n", {"2": "kind"}),
    ):
        (folder / "said.csv").write_text("at,kind,entity,power_w\n" + said)
        refused = run("market", "tell", "tidewater", folder / "said.csv", "--json")
        found = [(each["place"], each["code"]) for each in json.loads(refused.out)["refused"]]
        assert found == [(f"said.csv row {n}", f"event-{code}") for n, code in places.items()]
        assert "0 events told" in by_hand("manage.py market tell tidewater var/morning.csv")
    (folder / "said.csv").write_text("at,kind,entity\n2025-02-04T00:10Z,outage,nobody\n")
    one = by_hand("manage.py market tell tidewater said.csv")
    assert ": 1 event told.\n" in one and "\n1 event waits, as nobody leads" in one
    unknown = run("market", "tell", "tidewater", folder / "said.csv")
    assert unknown.status == 1
    assert "said.csv row 1: unknown, as the law" in unknown.out
    assert "1 of 1 event told moved nothing" in unknown.err
    (folder / "said.csv").write_text("at,kind\n2025-02-05T00:00Z,clock\n2025-12-06T00:00Z,clock\n")
    mistyped = run("market", "tell", "tidewater", folder / "said.csv")
    assert "said.csv row 2" in mistyped.err and "which is at 2025-02-05T00:00Z" in mistyped.err
    meant = by_hand("manage.py market tell tidewater said.csv --far")
    assert "goes from 2025-02-04T00:00Z to 2025-12-06T00:00Z, 305 days on." in meant
