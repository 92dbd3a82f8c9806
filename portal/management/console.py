"""What commands print by: progress on the terminal, findings on standard error, JSON."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError

from common.currencies import minor_text
from common.refusals import Finding, Refused
from portal.demo import LIVING_SPEED, DemoSignIn

SHOWN_FINDINGS = 50
"""Findings printed on a terminal; `--json` prints them all."""


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves a bar on standard error.

    Its title stands there from the first call on: what is refused before was not begun.
    """
    # Only here: most commands are as quick as what they import, and show no bar.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:

        def move(done: int, total: int) -> None:
            if not progress.task_ids:
                progress.add_task(title, total=None)
                if not console.is_terminal:  # a log keeps one line a stage, not a bar
                    console.print(title)
            progress.update(progress.task_ids[0], completed=done, total=total)

        yield move


@contextmanager
def refusals_as_errors(*, as_json: bool = False) -> Iterator[None]:
    """Turn a refusal into exit status 1 with every finding printed, and no traceback."""
    try:
        yield
    except CommandError as error:
        if as_json:
            print_failure(str(error))
        raise
    except Refused as refused:
        if as_json:
            print_json({"refused": [finding.as_dict() for finding in refused.findings]})
        raise CommandError(refusal_text(refused.findings)) from None


@contextmanager
def telling_for_whom_it_waits(stderr: Any) -> Iterator[None]:
    """Say on standard error for which other command this one waits, while it waits."""
    from database.waiting import telling_waits  # most commands never wait

    def tell(sentence: str) -> None:
        stderr.write(sentence)
        stderr.flush()

    with telling_waits(tell):
        yield


def refusal_text(
    findings: Iterable[Finding], opening: str = "Refused; nothing was written:"
) -> str:
    """Return the lines that say what was refused, cut to a readable number."""
    lines = [str(finding) for finding in findings]
    shown = lines[:SHOWN_FINDINGS]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more; --json prints them all")
    return "\n".join([opening, *shown])


def print_json(value: Any) -> None:
    """Print a value as JSON, in the form of `json_text`."""
    sys.stdout.write(f"{json_text(value)}\n")


def print_failure(sentence: str) -> None:
    """Print as JSON why a command did nothing, where a sentence says it and no findings do."""
    print_json({"failed": sentence})


def json_text(value: Any) -> str:
    """Return a value as JSON; digests in hexadecimal, times in ISO 8601."""
    return json.dumps(value, indent=2, default=_as_json)


def _as_json(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return str(value)


def minor_units(amount: int, currency: str) -> str:
    """Return an amount in minor units as a grouped decimal number, exactly.

    >>> minor_units(-123456789, "GBP")
    '-1,234,567.89'
    """
    whole, point, part = minor_text(amount, currency).partition(".")
    return f"{int(whole):,}{point}{part}" if amount >= 0 else f"-{int(whole[1:]):,}{point}{part}"


def announce_portal(
    stdout: Any,
    sign_ins: Iterable[DemoSignIn],
    url: str,
    *,
    is_public: bool = False,
    living: Iterable[str] = (),
) -> None:
    """Say where the portal is, at once: whoever reads it through a pipe waits for that line.

    Args:
        is_public: whether nobody has a sign-in, so that nothing but the public pages can be seen.
        living: markets of a demonstration that live beside it.
    """
    stdout.write(f"Tallystick is at {url} (stop it with Ctrl-C)")
    lines = [f"  {each.username:<24} {each.password:<22} {each.role}" for each in sign_ins]
    if lines:
        stdout.write("\nSign in with (these passwords hold until the next demo or serve):")
        stdout.write("\n".join(lines))
        stdout.write("")  # a blank line, by which whoever reads through a pipe knows the end
    elif is_public:
        stdout.write(
            "Nobody has a sign-in here, so the rules and the proof are what it shows; "
            "`make demo` makes one of each role."
        )
    for market in living:
        stdout.write(
            f"Market now: {url}market/{market}/ (lives once through the last day that was settled, "
            f"{LIVING_SPEED} times as fast, and then rests with its last prices)"
        )
    stdout.flush()
