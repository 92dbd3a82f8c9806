"""Any command with any arguments, by its own parser: what is added tomorrow is tried tomorrow."""

import argparse
import io
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from django.core.management import load_command_class

import manage
from common.refusals import Finding, Refused
from portal.management.arguments import month_days, parse_day, parse_instant, parse_run
from tests.portal.fuzz import odd
from tests.portal.fuzz.world import Failures, HangsError, World, hung_up, place_of
from tests.portal.test_every_command import DJANGO_OPTIONS, NAMES, goes_on

WRITES_IN_PARTS = {"settle_due", "demo", "schema", "migrate", "send_notices"}
"""Commands of which every part stands by itself, and says so."""

ANSWER_BY_STATUS = {"plan"}
"""Commands whose status 2 is an answer, which stands in what they print."""

KIND_OF_FILE = {
    "propose": "law", "ingest": "readings", "payments": "bank", "recompute": "evidence",
    "shapley": "game", "served": "game", "dispute": "attachment", "study": "overlay",
    "plan": "law", "compare": "law", "trial": "law", "transition": "prices",
}  # fmt: skip
KIND_OF_OPTION = {"checkpoint": "note", "attach": "attachment", "overlay": "overlay"}
SUFFIXES = {
    "law": ".yaml", "overlay": ".yaml", "readings": ".csv", "bank": ".xml", "evidence": ".zip",
    "game": ".json", "note": "", "attachment": ".csv", "prices": ".csv",
}  # fmt: skip
KNOWN_AS = {
    "invoice": "document", "number": "document", "note": "document", "amounts": "document",
    "entity": "participant", "account": "participant",
}  # fmt: skip


@dataclass(frozen=True)
class Leaf:
    """A command, or one of the things that it does, with what it takes."""

    words: tuple[str, ...]
    actions: tuple[argparse.Action, ...]


def leaves() -> list[Leaf]:
    """Return every command and subcommand of the product."""
    found = []
    for name in NAMES:
        parser = load_command_class("portal", name).create_parser("manage.py", name)
        chosen = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
        if chosen:
            for word, of_action in chosen[0].choices.items():
                found.append(Leaf((name, word), _own(of_action)))
        else:
            found.append(Leaf((name,), _own(parser)))
    return found


def _own(parser: argparse.ArgumentParser) -> tuple[argparse.Action, ...]:
    return tuple(each for each in parser._actions if not DJANGO_OPTIONS & set(each.option_strings))


class Arguments:
    """Draws what a command is told: mostly what it may be, now and then what is odd."""

    def __init__(self, rng: random.Random, world: World, leaf: Leaf) -> None:
        self.rng, self.world, self.leaf = rng, world, leaf
        self.is_odd = rng.choice((0.02, 0.15, 0.5))

    def drawn(self) -> list[str]:
        """Return the words of a command line."""
        words = [*self.leaf.words]
        places, options = [], []
        for action in self.leaf.actions:
            if not action.option_strings:
                places += self._values(action)
            elif self.rng.random() < (0.97 if action.required else 0.3):
                name = self.rng.choice(action.option_strings)
                values = [] if action.nargs == 0 else self._values(action)
                options += [f"{name}={values[0]}"] if len(values) == 1 else [name, *values]
        if self.rng.random() < self.is_odd / 4:
            options.append(self.rng.choice(("--nonsense", "-9", "--", "--json=1")))
        return words + (places + options if self.rng.random() < 0.8 else options + places)

    def _values(self, action: argparse.Action) -> list[str]:
        rng = self.rng
        counts = {"*": (0, 1, 1, 2), "+": (1, 1, 1, 2), "?": (0, 1, 1)}
        count = action.nargs if isinstance(action.nargs, int) else 1
        if isinstance(action.nargs, str):
            count = rng.choice(counts[action.nargs])
        return [self._value(action) for _ in range(count)]

    def _value(self, action: argparse.Action) -> str:
        rng = self.rng
        is_odd = rng.random() < self.is_odd
        kind = getattr(action.type, "__name__", "str")
        if action.choices and not is_odd:
            return str(rng.choice(list(action.choices)))
        if action.type is Path:
            return self._path(action, is_odd=is_odd)
        if action.type in (parse_day, month_days, parse_instant, parse_run):
            return self._of_type(action.type, is_odd=is_odd)
        if is_odd:
            return rng.choice((*odd.TEXTS, *odd.NUMBERS))
        return str(rng.randrange(12)) if kind == "number" else self._known(action)

    def _known(self, action: argparse.Action) -> str:
        rng = self.rng
        if action.dest == "amounts":
            amount = rng.choice(("1.50", "-1", "0", "1,5", "9" * 40, "12.345"))
            return f"{rng.choice(self.world.known['document'])}={amount}"
        known = KNOWN_AS.get(action.dest, action.dest)
        return rng.choice(self.world.known.get(known, ("Ada", "1.50", "words")))

    def _of_type(self, kind: object, *, is_odd: bool) -> str:
        rng = self.rng
        if kind is parse_run:
            return rng.choice(odd.IDS if is_odd else self.world.known["run"])
        all_of_kind = {parse_day: odd.DAYS, month_days: odd.MONTHS, parse_instant: odd.INSTANTS}
        texts = all_of_kind[kind]
        return rng.choice(texts if is_odd else texts[:2])

    def _path(self, action: argparse.Action, *, is_odd: bool) -> str:
        rng, folder = self.rng, self.world.folder
        if is_odd and rng.random() < 0.5:
            return rng.choice(
                (
                    "nowhere",
                    ".",
                    # Never /dev/null, which a fault of ours would replace for the whole machine.
                    str(self.world.socket),
                    "a" * 300,
                    "x/y/z",
                    "",
                    f"b{odd.HALF}",
                    "~",
                )
            )
        if action.dest in ("out", "out_dir"):
            return str(folder / rng.choice(("out", "out.zip", "out.d", f"o{odd.HALF}ut")))
        kind = KIND_OF_OPTION.get(action.dest) or KIND_OF_FILE.get(self.leaf.words[0], "game")
        if rng.random() < self.is_odd / 2:
            kind = rng.choice(list(self.world.samples))
        return str(write_sample(rng, self.world, kind))


def write_sample(rng: random.Random, world: World, kind: str) -> Path:
    """Write a file of a kind: valid, changed, or wild."""
    content = rng.choice(world.samples[kind])
    draw = rng.random()
    if draw < 0.85:
        content = odd.mutated(rng, content)
    elif draw < 0.92:
        content = odd.wild(rng)
    name = rng.choice(("sample", "sample", "säm\u0301ple", "a b", f"s{odd.HALF}", "x" * 200))
    suffix = rng.choice((SUFFIXES[kind], SUFFIXES[kind], SUFFIXES[kind], ".YML", ".parquet", ""))
    path = world.folder / f"{name}{suffix}"
    path.write_bytes(content)
    return path


@contextmanager
def stood_in() -> Iterator[None]:
    """Put something quick in the place of what serves, or takes away."""

    def refuse(*_: object, **__: object) -> None:
        raise Refused([Finding("stand-in", "fuzz", "a stand-in", "nothing", "none")])

    with ExitStack() as stack:
        for name in filter(goes_on, NAMES):
            stack.enter_context(patch.object(type(load_command_class("portal", name)), "go_on"))
        stack.enter_context(patch("portal.management.commands.demo.run_main_job", refuse))
        stack.enter_context(patch("database.schema.downgrade"))
        # What goes on until a signal, and what takes as long as the day that it tells.
        stack.enter_context(patch("portal.management.commands.market.lead", return_value=0))
        stack.enter_context(patch("portal.management.commands.market.run_stream", return_value=0))
        stack.enter_context(patch("portal.market_feed.due", refuse))
        # It migrates a database, and would write the manifest of the product anew.
        stack.enter_context(
            patch("portal.management.commands.schema.describe_fresh_schema", refuse)
        )
        yield


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: object
    out: str
    err: str


def run_command(words: list[str]) -> Ended:
    """Run `manage.py` in this process, as a terminal would."""
    out, err = io.StringIO(), io.StringIO()
    status: object = 0
    with redirect_stdout(out), redirect_stderr(err), hung_up():
        try:
            manage.main(["manage.py", *words])
        except SystemExit as left:
            status = left.code
            if isinstance(status, str):
                err.write(status)
                status = 1
    return Ended(status or 0, out.getvalue(), err.getvalue())


ATTEMPTS = {"ledger.trail_link, people.deed", "ledger.trail_link"}
"""What is left of who tried, whatever came of it: a deed, or with `login` a refused sign-in."""


def try_command(rng: random.Random, world: World, leaf: Leaf, failures: Failures) -> None:
    """Run a command with drawn arguments, and note what must never be."""
    words = Arguments(rng, world, leaf).drawn()
    told = " ".join(["manage.py", *(repr(word[:200]) for word in words)])
    try:
        ended = run_command(words)
    except (Exception, HangsError) as error:
        failures.add(place_of(error), f"{told}\n{str(error)[:600]}")
        world.written()
        return
    name = leaf.words[0]
    changed = world.written() if ended.status else None
    if not ended.status:
        world.written()
    if ended.status not in (0, 1, 2):
        failures.add(f"{name}: exit {ended.status}", told)
    if ended.status and changed not in {None, *ATTEMPTS} and name not in WRITES_IN_PARTS:
        failures.add(f"{name}: refused, and wrote to {changed}", f"{told}\n{ended.err[:400]}")
    for complaint in _complaints(words, ended):
        failures.add(f"{name}: {complaint}", f"{told}\n{ended.out[-200:]}\n{ended.err[:600]}")


def _complaints(words: list[str], ended: Ended) -> Iterator[str]:
    if "Traceback" in ended.err:
        yield "a traceback"
    is_answer = words[0] in ANSWER_BY_STATUS and ended.status == 2 and ended.out.strip()
    if ended.status and not ended.err.strip() and not is_answer:
        yield "no sentence"
    for word in ("psycopg", "sqlalchemy", "DETAIL:", "[Errno", " object at 0x", "Errno"):
        if ended.status and word in ended.err:
            yield f"{word!r} in what people read"
    if "--json" in words and "--" not in words and not {"-h", "--help"} & set(words):
        try:
            json.loads(ended.out)
        except ValueError:
            yield f"no JSON, with status {ended.status}"
