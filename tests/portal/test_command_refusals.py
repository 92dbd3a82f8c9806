"""What every command refuses in the same words: an unknown market, and what no one means."""

import json
import subprocess
import sys
from argparse import Namespace
from contextlib import nullcontext

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from common.refusals import Refused
from ledger.people import store
from ledger.people.rights import Rights
from portal.management import base
from portal.management.arguments import MOST, at_least, month_days, parse_instant, parse_run
from portal.management.commands import fairness
from tests.conftest import ROOT
from tests.portal.fuzz.commands import leaves
from tests.portal.site import SUPPLIER

OF_A_MARKET = [
    leaf for leaf in leaves()
    if any(action.dest == "market" for action in leaf.actions) and leaf.words[0] != "demo"
]  # fmt: skip
VALUES = {
    "parse_day": "2024-03-30", "month_days": "2024-03", "parse_instant": "2024-05-01T00:00Z",
    "parse_run": "0" * 32, "number": "1", "parse_amount": "a=1",
}  # fmt: skip


@pytest.mark.parametrize("leaf", OF_A_MARKET, ids=lambda leaf: " ".join(leaf.words))
def test_a_misspelt_market_is_refused_by_the_name_of_those_there_are(leaf, tmp_path):
    words = [*leaf.words]
    for action in leaf.actions:
        if action.dest == "market":
            words.append("gb21" if not action.option_strings else "--market=gb21")
        elif not action.option_strings and action.nargs not in ("?", "*"):
            words.append(_value(action, tmp_path))
        elif action.option_strings and (action.required or action.dest == "month"):
            words.append(f"{action.option_strings[0]}={_value(action, tmp_path)}")
    with pytest.raises(CommandError, match="market: one of gb12, found 'gb21'; correct the name"):
        call_command(*words)


def _value(action, folder) -> str:
    if action.choices:
        return next(iter(action.choices))
    kind = getattr(action.type, "__name__", "str")
    return VALUES.get(kind, str(folder / "x") if kind == "Path" else SUPPLIER)


@pytest.mark.parametrize("words", [("settle", "gb12", "SF"), ("late",), ("replay", "x")])
def test_whoever_asks_for_json_is_refused_in_json(site, words):
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words, "--json"],
        env={"DATABASE_URL": site.url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert json.loads(done.stdout)["failed"] in done.stderr


def test_whoever_may_not_run_a_command_is_told_which(monkeypatch):
    monkeypatch.setattr(base, "transaction", lambda: nullcontext(None))
    monkeypatch.setattr(store, "acting", lambda _session: Rights("nell", 1, frozenset()))
    with pytest.raises(Refused) as refused:
        fairness.Command()._begin_deed(Namespace(keep=True))
    (finding,) = refused.value.findings
    assert finding.limit == "the operator may run `manage.py fairness`"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("payments", "return", "gb12-bank-000001/1", "--reason=--"), "--reason: -- is no value"),
        (("results", "0" * 32, "--entity=--"), "--entity: -- is no value"),
        (("results", "0" * 32, "--measure=a", "--measure=--"), "--measure: -- is no value"),
        (("late", "gb12", "--json", "--market=--"), "unrecognized"),
        (("payments", "import", "gb12", "a" * 256), "longer than the path of a file can be"),
        (
            ("propose", "law", "a/" * 2100, "--valid-from=2024-01-01"),
            "longer",
        ),
        (("checkpoint", f"--out={'ä' * 128}"), "longer than the path of a file can be"),
        (("recompute", "x", f"--checkpoint={'a' * 256}"), "longer than the path of a file can be"),
        (("serve", "--address=\ufeff"), "no host has such a name"),
    ],
)
def test_what_no_file_host_or_reason_can_be_is_said(words, told):
    with pytest.raises(CommandError, match=told):
        call_command(*words)


@pytest.mark.parametrize("text", ["9" * 5000, "1_000", "١", "--1", "", "1.0", str(MOST + 1)])
def test_a_number_is_digits_and_no_more_than_a_column_holds(text):
    with pytest.raises(Exception, match="is not a whole number"):
        at_least(0)(text)


@pytest.mark.parametrize("parse", [month_days, parse_instant, parse_run])
@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59-14:00", "0001-01-01T00:00+14:00", "9999-12", "", "9" * 5000]
)
def test_what_lies_out_of_the_calendar_is_told_from_a_fault(parse, text):
    with pytest.raises(Exception, match="is not") as refused:
        parse(text)
    assert len(str(refused.value)) < 200
