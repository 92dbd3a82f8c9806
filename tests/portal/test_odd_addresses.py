"""What nobody types on purpose: odd values for every part of every address, and after it.

An address answers with a page or says why not; it never fails. The routes come from the router, so
that one which is added is tried too. Of the values, a share is drawn for each part in `make test`.
"""

import re
from urllib.parse import unquote

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import Resolver404, URLPattern, get_resolver, resolve

from ledger.people.roles import Role
from tests.examples import drawn
from tests.portal.conftest import add_account
from tests.portal.site import GENERATOR, MARKET, SUPPLIER
from tests.worlds.drafted import law_in_a_copy
from tests.worlds.second_factor import confirm

pytestmark = pytest.mark.django_db

NUL, NO_UTF8, HALF_A_PAIR = "%00", "%FF%FE", "%ED%A0%80"
ODD_TEXTS = (
    NUL, f"a{NUL}b", NO_UTF8, HALF_A_PAIR, "%0D%0ASet-Cookie:a=b", "%2E%2E%2F", "%F0%9F%92%A9",
    "a" * 3000, "gb12-invoice-" + "9" * 30,
)  # fmt: skip
ODD_NUMBERS = ("0", "-1", "2147483648", "9" * 18, "9" * 23, "9" * 5000, "%D9%A1", NUL)
ODD_DAYS = (
    "0000-01-01", "0001-01-01", "1900-01-01", "2024-02-30", "2999-12-31", "9999-12-31", "20240115",
    NUL, NO_UTF8,
)  # fmt: skip
ODD_ANCHORS = ("MR-0", "ZZ-1.1", f"MR-{'9' * 5000}", "mr-1.1", "MR-", NUL, NO_UTF8)
ODD_PERIODS = (
    "0000", "9999", "2024-13", "2024-00", "2024-1", "20240", "2024-01-01", "2024-01-01..2024-01-31",
    "2024-03-31..2024-03-30", "----------..----------", NUL, NO_UTF8,
)  # fmt: skip
ODD_IDS = ("0" * 32, "00000000-0000-0000-0000-000000000000", "f" * 36, NUL)
ODD_VALUES = {
    "str": ODD_TEXTS,
    "path": ODD_TEXTS,
    "number": ODD_NUMBERS,
    "int": ODD_NUMBERS,  # of allauth's pages
    "size": ODD_NUMBERS,
    "day": ODD_DAYS,
    "period": ODD_PERIODS,
    "anchor": ODD_ANCHORS,
    "uuid": ODD_IDS,
}
ASKED = (
    "on", "from", "to", "month", "market", "participant", "document", "page", "next", "known",
    "before", "before_known", "after", "after_known", "proposal",
    "q", "with", "draft", "digest",
)  # fmt: skip
SENT_TO = {
    "/disputes/<str:market>/<number:number>/<str:action>/",
    "/payments/<str:statement>/<number:line>/decide/",
    "/runs/<uuid:run_id>/replay/",
    "/trials/asked/<number:number>/wish/",
}
"""Forms only, whose addresses are asked for by nothing else."""
FINE = {200, 302, 400, 403, 404, 405, 409, 413, 422}


@pytest.fixture(scope="module")
def routes() -> list[URLPattern]:
    """Every route, those that are included too, by its whole template."""
    found = []

    def walk(patterns, before: str) -> None:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                found.append((before + str(pattern.pattern), pattern.pattern.converters))
            else:
                walk(pattern.url_patterns, before + str(pattern.pattern))

    walk(get_resolver().url_patterns, "/")
    return found


@pytest.fixture
def known(site, documents) -> dict[str, str]:
    """A value for each part of an address that leads somewhere, so that the other parts do too."""
    return {
        "number": documents[SUPPLIER][0].number,
        "line": "1",
        "day": "2024-03-31",
        "period": site.fairness,
        "interval": "1",
        "row": "1",
        "format_name": "json",
        "instrument": f"{MARKET}/market-rules",
        "document": "market-rules",
        "anchor": "MR-1.1",
        "digest": "0" * 64,
        "law": "0" * 64,
        "before": "0" * 64,
        "after": "0" * 64,
        "size": "1",
        "old_size": "1",
        "market": MARKET,
        "participant": SUPPLIER,
        "action": "withdraw",
        "step": "1",
        "statement": "gb12-bank-000001",
        "run_id": site.first_run,
        "trial_id": site.seen_trial,
        "report_id": site.transition,
        "request_number": "1",
        "file_number": "1",
        "act_number": "1",
        "account": "operator",
        "key": "no-key",
        "pk": "1",
        "copy_number": "1",
        "revision": "1",
        "document_key": "market-rules",
        "part": "layers.0",
    }


@pytest.fixture
def everybody(make_user) -> Client:
    """The browser of somebody in every role, for whom every view is reached."""
    for role in Role:
        add_account("everybody", role, *((SUPPLIER, GENERATOR) if role == "participant" else ()))
    user = make_user("everybody")
    law_in_a_copy(user, "market-rules", number=1)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    confirm(client, user)
    return client


def filled(template: str, known: dict[str, str], name: str | None = None, value: str = "") -> str:
    """Return the address of a route, with a value that is known for all parts but one."""

    def of_part(found: re.Match) -> str:
        part = found[1].rpartition(":")[2]
        if part == name:
            return value
        numbered = ("/disputes/", "/fairness/", "/market/", "/rules/")
        is_numbered = template.startswith(numbered) and part == "number"
        return "1" if is_numbered else known[part]

    return re.sub(r"<([^>]+)>", of_part, template)


def test_every_kind_of_part_is_tried(routes):
    kinds = {
        found.partition(":")[0]
        for template, _ in routes
        for found in re.findall(r"<([^>]+)>", template)
    }
    assert kinds == ODD_VALUES.keys()


def reaches_a_view(address: str) -> bool:
    """Return whether an address is one of the router's, and readable."""
    path = unquote(address)
    try:
        resolve(path)
    except Resolver404:
        return False
    return "\0" not in path


def test_odd_parts_of_an_address_are_told_from_faults(routes, known, everybody):
    """Of the addresses of a part that reach no view, which are answered alike, one is asked for."""
    failed = []
    for template, parts in routes:
        for name in parts:
            kind = re.search(rf"<(\w+):{name}>", template)[1]
            odd = [filled(template, known, name, value) for value in drawn(ODD_VALUES[kind])]
            alike = [address for address in odd if not reaches_a_view(address)]
            for address in [each for each in odd if each not in alike[1:]]:
                ask = everybody.post if template in SENT_TO else everybody.get
                status = ask(address).status_code
                if status not in FINE:
                    failed.append((status, address[:120]))
    assert failed == []


@pytest.fixture
def asked(monkeypatch) -> set[str]:
    """The names of a question that views look for, as they do."""
    names: set[str] = set()

    def keeping(look):
        def keep(self, name, *others):
            names.add(name)
            return look(self, name, *others)

        return keep

    for look in (QueryDict.__getitem__, QueryDict.getlist):
        monkeypatch.setattr(QueryDict, look.__name__, keeping(look))
    return names


def test_odd_questions_of_an_address_are_told_from_faults(routes, known, everybody, asked):
    odd = (NO_UTF8, "9" * 30, "-1", "0001-01-01", "9999-12-31", "9999-12", "2024-13")
    at_once = "&".join(f"{name}={value}" for value in odd for name in ASKED)
    sound = f"on=2024-03-31&from=2024-03-30&to=2024-03-31&month=2024-03&market={MARKET}&page=1"
    first = [at_once, f"&&==&%&{sound}&participant={SUPPLIER}"]
    further = ["&".join(f"{name}={value}" for name in ASKED) for value in drawn(odd)]
    failed, looking = [], 0
    for template, _ in routes:
        address = filled(template, known)
        if address.endswith((".json", "/evidence/", "/energy.csv")):
            continue  # files, which take no question
        asked.clear()
        statuses = {each: everybody.get(f"{address}?{each}").status_code for each in first}
        # Where no view looks at a question, another is answered as the first ones were.
        if asked & set(ASKED):
            looking += 1
            statuses |= {each: everybody.get(f"{address}?{each}").status_code for each in further}
        failed += [
            (status, address, question[:120])
            for question, status in statuses.items()
            if status not in FINE
        ]
    assert failed == []
    assert looking > 20


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/rules/%00/", 400),
        ("/proof/?document=%00", 400),
        ("/proof/?%00=%00", 400),
        (f"/proof/checkpoint/{'9' * 23}/", 404),
        (f"/proof/consistency/1/{'9' * 19}/proof.json", 404),
        (f"/disputes/gb12/{'9' * 20}/", 404),
        ("/disputes/gb12/2147483648/", 404),
        ("/accounts/?on=9999-12-31", 400),
        ("/accounts/?on=0001-01-01", 400),
        ("/credit/?on=9999-12-31", 400),
        ("/rules/?on=9999-12-31", 400),
        ("/rules/gb12/market-rules/?on=0001-01-01", 400),
        ("/calendar/?month=9999-12", 404),
        (f"/accounts/gb12/{SUPPLIER}/?to=9999-12-31", 400),
        (f"/accounts/gb12/{SUPPLIER}/statement.csv?to=9999-12-31", 400),
        (f"/accounts/gb12/{SUPPLIER}/statement.csv?from=2024-05-02&to=2024-05-01", 400),
    ],
)
def test_what_no_page_can_answer_says_so(everybody, address, status):
    answer = everybody.get(address)
    assert answer.status_code == status
    assert b"<h1" in answer.content


def test_the_sentence_says_what_was_wrong(everybody):
    assert "“9999-12-31” is not a day from 1900-01-01 to 2999-12-31; write it as 2024-01-15" in (
        everybody.get("/accounts/?on=9999-12-31").content.decode()
    )
    assert "The address holds a sign that is no part of any text" in (
        everybody.get("/rules/%00/").content.decode()
    )


def test_a_form_or_a_cookie_that_no_text_holds_is_refused(everybody):
    answer = everybody.post("/account/sign-in/", {"login": "a\0b", "password": "x"})
    assert answer.status_code == 400
    assert "The form holds a sign" in answer.content.decode()
    odd = Client(raise_request_exception=False, headers={"cookie": 'sessionid="a\\000b"'})
    assert odd.get("/invoices/").status_code == 400


@pytest.mark.parametrize(
    "name", ["foo''a.xml", "utf-7''+2AA-.xml", "utf-8''%00.xml", "utf-16''%D8"]
)
def test_a_file_whose_name_is_in_no_encoding_is_told_from_a_fault(everybody, name):
    body = (
        f'--x\r\nContent-Disposition: form-data; name="file"; filename*={name}\r\n\r\n<a/>\r\n'
        '--x\r\nContent-Disposition: form-data; name="market"\r\n\r\ngb12\r\n--x--\r\n'
    )
    answer = everybody.generic(
        "POST", "/payments/import/", body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "foo", "idna", "unicode_escape", "base64"])
def test_a_form_in_an_odd_encoding_is_told_from_a_fault(everybody, charset):
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    for body in (b"proof=+2AA-&x=%FF", b"proof=\xff\xfe", b"proof=%5Cud800"):
        answer = everybody.generic("POST", "/proof/check/", body, content_type=kind)
        assert answer.status_code in FINE
