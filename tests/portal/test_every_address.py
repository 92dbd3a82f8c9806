"""Every address of the portal is asked for by tests of who may open it and, a page, by the browser.

An address that is added fails here until it is in both, or here with what is tried instead.
"""

import pytest
from django.urls import URLPattern, resolve

from portal.urls import urlpatterns
from tests.browser.test_every_page import PAGES

NAMES = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
SOME_ID = "00000000-0000-4000-8000-000000000000"

ACCESS_TRIED_ELSEWHERE = {
    "home": "everybody's",
    **dict.fromkeys(["rule-version"], "test_rules.py"),
    **dict.fromkeys(["notices-read"], "test_notices.py"),
    **dict.fromkeys(
        [
            "proof",
            "check-proof",
            "check-script",
            "checkpoint-note",
            "checkpoint-kept",
            "consistency-json",
            "proof-of-document",
            "proof-json",
            "verifier",
        ],
        "test_proof.py",
    ),
    **dict.fromkeys(["newest-checkpoint-kept", "cosignatures"], "test_witnesses.py"),
    **dict.fromkeys(
        ["disputes", "dispute-counts", "dispute", "dispute-file", "dispute-line", "dispute-step"],
        "test_disputes.py",
    ),
    **dict.fromkeys(["payments-import", "payment-decide"], "test_payments.py"),
    **dict.fromkeys(["ask-for-replay", "replay"], "test_replays.py"),
    **dict.fromkeys(["files", "file", "file-download"], "test_files.py"),
    "act": "test_acts.py",
    "run-energy": "test_energy.py",
    **dict.fromkeys([name for name in NAMES if name.startswith("account_")], "test_sign_in.py"),
}
NOT_A_PAGE = {
    "invoice-file": "a file",
    "check-script": "a file",
    "checkpoint-note": "a file",
    "checkpoint-kept": "a file",
    "newest-checkpoint-kept": "a file",
    "cosignatures": "for programmes, in plain text",
    "consistency-json": "a file",
    "proof-json": "a file",
    "verifier": "a file",
    "dispute-file": "a file",
    "account-csv": "a file",
    "account-evidence": "a file",
    "run-energy": "a file",
    "act": "a sentence, until it is done and leads on",
    "file": "as the list of files, until one is asked for",
    "file-download": "a file",
    "evidence": "a file",
    "notices-read": "a form's answer",
    "payments-import": "a form's answer",
    "payment-decide": "a form's answer",
    "ask-for-replay": "a form's answer",
    "replay": "a part of the page of a run",
    "dispute-step": "a form's answer",
    "rule-version": "the page of the document, in another version",
    "account_logout": "a form's answer",
    "account_inactive": "one sentence",
    "account_reauthenticate": "the form of sign-in",
    "account_change_password": "a form of one field more than sign-in",
    "account_set_password": "the same form without the password that there is not",
}


def names_of(paths) -> set[str | None]:
    """Return the names of the addresses that paths lead to."""
    filled = (
        path.partition("?")[0].format(number="gb12-invoice-000001", run=SOME_ID, study=SOME_ID)
        for path in paths
    )
    return {resolve(path).url_name for path in filled}


def test_who_may_open_is_tried_for_every_address(addresses):
    assert NAMES - names_of(addresses.values()) == ACCESS_TRIED_ELSEWHERE.keys()


def test_every_page_is_walked_by_the_browser():
    assert NAMES - names_of(path for path, _ in PAGES.values()) == NOT_A_PAGE.keys()


@pytest.mark.parametrize("name", ["ACCESS_TRIED_ELSEWHERE", "NOT_A_PAGE"])
def test_what_is_tried_elsewhere_is_an_address(name):
    assert globals()[name].keys() <= NAMES
