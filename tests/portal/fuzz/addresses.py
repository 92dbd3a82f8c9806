"""Any address and form of the portal, as everybody: from the routes, and the forms on the pages."""

import io
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver
from lxml import html

from tests.portal.fuzz import odd
from tests.portal.fuzz.world import PEOPLE, Failures, World, hung_up, place_of
from tests.worlds.second_factor import confirm

FINE = {200, 204, 302, 303, 304, 400, 403, 404, 405, 409, 413, 422, 429}
ASKED = (
    "on", "from", "to", "month", "market", "participant", "document", "page", "next", "kind", "q",
    "state", "sort", "number", "size", "at", "known", "before", "before_known", "after",
    "after_known", "proposal",
)  # fmt: skip
METHODS = ("get", "get", "get", "get", "post", "head", "put", "options", "delete")
PART = re.compile(r"<(?:(\w+):)?(\w+)>")
VALUE_OF = {
    "line": "1", "day": "2024-03-31", "interval": "1", "format_name": "json", "old_size": "1",
    "action": "withdraw", "step": "1", "request_number": "1", "account": "operator",
    "key": "no-key", "anchor": "MR-2.3", "before": "0" * 64, "after": "0" * 64,
    "document_key": "market-rules", "part": "layers.0",
}  # fmt: skip

WHOLE_DAY_S = 86_400
"""For so long everybody has confirmed who they are: `make fuzz` takes an hour."""


@dataclass(frozen=True)
class Form:
    """A form as a page shows it: where it is sent, and what it sends as it stands."""

    action: str
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ()


@dataclass
class Portal:
    """Every route, everybody's browser, and every form that any of them is shown."""

    routes: list[str]
    clients: dict[str, Client]
    forms: list[Form] = field(default_factory=list)

    def names(self) -> list[str]:
        """Return the name of every field of every form."""
        return sorted(
            {
                name
                for form in self.forms
                for name in (*(name for name, _ in form.fields), *form.files)
            }
        )


def open_portal(world: World) -> Portal:
    """Sign everybody in, and look for forms on every page that one who has every right may open.

    Whoever may not open a page can send its form all the same, so everybody tries all of them.
    """
    clients = {"signed out": Client(raise_request_exception=False)}
    for name in PEOPLE:
        clients[name] = Client(raise_request_exception=False)
        user = User.objects.get(username=f"fuzz-{name}")
        clients[name].force_login(user)
        confirm(clients[name], user, at_s=time.time() + WHOLE_DAY_S)
    portal = Portal(list(_routes(get_resolver().url_patterns, "/")), clients)
    rng = random.Random(1)
    found: dict[str, Form] = {}
    for who in ("everybody", "signed out"):  # the sign-in has a form of its own
        for route in portal.routes:
            answer = clients[who].get(filled(rng, world, route))
            if answer.status_code == 200 and "html" in answer.headers.get("Content-Type", ""):
                here = answer.request["PATH_INFO"]
                found |= {form.action: form for form in _forms(answer.content, here)}
    portal.forms = list(found.values())
    return portal


def _routes(patterns: list, before: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield before + str(pattern.pattern)
        else:
            yield from _routes(pattern.url_patterns, before + str(pattern.pattern))


def _forms(content: bytes, here: str) -> Iterator[Form]:
    for form in html.fromstring(content).forms:
        if form.method == "POST":
            inputs = [each for each in form.inputs if each.name]
            files = tuple(each.name for each in inputs if each.get("type") == "file")
            fields = tuple(
                (each.name, str(each.value or "")) for each in inputs if each.name not in files
            )
            yield Form(form.action or here, fields, files)


def filled(rng: random.Random, world: World, route: str, share_odd: float = 0.0) -> str:
    """Return an address of a route: each part known, or odd."""

    def of_part(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if rng.random() < share_odd:
            return quote(rng.choice(_odd_values(kind)), errors="surrogateescape")
        if name == "number":
            return "1" if route.startswith("/disputes/") else rng.choice(world.known["document"])
        known = world.known.get({"run_id": "run"}.get(name, name))
        return rng.choice(known) if known else VALUE_OF.get(name, "1")

    return PART.sub(of_part, route)


def _odd_values(kind: str | None) -> tuple[str, ...]:
    return {
        "number": odd.NUMBERS, "size": odd.NUMBERS, "int": odd.NUMBERS, "day": odd.DAYS,
        "uuid": odd.IDS,
    }.get(kind or "str", (*odd.TEXTS, "\0", "a\0"))  # fmt: skip


def try_address(rng: random.Random, world: World, portal: Portal, failures: Failures) -> None:
    """Ask for an address, or send a form, as somebody; note what must never be."""
    who = rng.choice(list(portal.clients))
    client = portal.clients[who]
    share_odd = rng.choice((0.0, 0.1, 0.5))
    if rng.random() < 0.45:
        form = rng.choice(portal.forms)
        address, sent = form.action, _sent(rng, world, form, share_odd)
        ask, told = (lambda: client.post(address, sent)), f"{who} POST {address} {_short(sent)}"
    else:
        method = rng.choice(METHODS)
        address = filled(rng, world, rng.choice(portal.routes), share_odd)
        if rng.random() < 0.5:
            address += "?" + _question(rng, world, portal)
        headers = {"HX-Request": "true"} if rng.random() < 0.2 else {}
        sent = _some_fields(rng, world, portal) if method == "post" else {}
        told = f"{who} {method.upper()} {address[:300]} {headers} {_short(sent)}"
        if method == "post" and rng.random() < 0.3:
            kind = rng.choice(
                ("application/json", "text/plain", "multipart/form-data; boundary=x", "",
                 "multipart/form-data", "application/x-www-form-urlencoded; charset=utf-16")
            )  # fmt: skip
            body = odd.wild(rng)
            ask = lambda: client.generic("POST", address, body, content_type=kind)  # noqa: E731
            told += f" {kind} {body[:100]!r}"
        else:
            ask = lambda: getattr(client, method)(address, sent, headers=headers)  # noqa: E731
            if method in ("put", "options", "delete"):
                ask = lambda: getattr(client, method)(address)  # noqa: E731
    _judge(ask, told, world, client, failures)


READ = "ledger.trail_link"
"""What is left of a read of another's data: the guard lets somebody in before the view looks."""


def _judge(ask, told: str, world: World, client: Client, failures: Failures) -> None:
    client.raise_request_exception = True  # to know where it came from; a browser gets 500
    try:
        with hung_up():
            answer = ask()
            if getattr(answer, "streaming", False):
                b"".join(answer.streaming_content)
            answer.close()
    except Exception as error:
        failures.add(place_of(error), f"{told}\n{str(error)[:600]}")
        world.written()
        return
    if answer.status_code not in FINE:
        failures.add(f"status {answer.status_code}", told)
    changed = world.written()
    if answer.status_code >= 400 and changed not in (None, READ):
        failures.add(f"status {answer.status_code}, and wrote to {changed}", told)


def _short(sent: dict) -> str:
    return str({name: str(value)[:80] for name, value in sent.items()}) if sent else ""


def _sent(rng: random.Random, world: World, form: Form, share_odd: float) -> dict[str, object]:
    sent: dict[str, object] = {}
    for name, value in form.fields:
        if rng.random() < share_odd / 4:
            continue
        sent[name] = _odd_value(rng, world) if rng.random() < share_odd else value or _likely(rng)
    for name in form.files:
        if rng.random() < 0.9:
            sent[name] = _upload(rng, world)
    return sent


def _likely(rng: random.Random) -> str:
    return rng.choice(("1.50", "Because", "1", "0.01", "100", "-1"))


def _odd_value(rng: random.Random, world: World) -> str:
    known = [value for values in world.known.values() for value in values]
    every = (*odd.TEXTS, *odd.NUMBERS, *odd.DAYS, *odd.INSTANTS, *odd.IDS, "\0", *known)
    return rng.choice(every).encode("utf-8", "replace").decode()


def _upload(rng: random.Random, world: World) -> io.BytesIO:
    kind = rng.choice(("bank", "bank", "attachment", *world.samples))
    content = rng.choice(world.samples[kind])
    content = odd.mutated(rng, content) if rng.random() < 0.9 else odd.wild(rng)
    name = rng.choice(("a.xml", "a.pdf", "b", "ä\u0301.csv", "x" * 300, ".", "..", "a\u202eb.zip"))
    upload = io.BytesIO(content)
    upload.name = name
    return upload


def _some_fields(rng: random.Random, world: World, portal: Portal) -> dict[str, object]:
    names = portal.names()
    return {
        name: _upload(rng, world) if rng.random() < 0.1 else _odd_value(rng, world)
        for name in rng.sample(names, min(len(names), rng.randrange(5)))
    }


def _question(rng: random.Random, world: World, portal: Portal) -> str:
    pairs = [
        f"{rng.choice((*ASKED, *portal.names()))}="
        f"{quote(rng.choice((_odd_value(rng, world), *odd.DAYS[:4], *odd.MONTHS)))}"
        for _ in range(rng.randrange(1, 5))
    ]
    return "&".join(pairs) + rng.choice(("", "", "&", "&%", "&%00=%00", "#a"))
