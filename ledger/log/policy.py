"""A verifier's own file of whom it believes: C2SP tlog-policy, with one line of ours.

    log energy.example/log+7b5f71ca+AXAwZ...              a key of the log; one is enough
    witness regulator regulator.example/w+1f0e...+BDk...  a name of the file's own, and a key
    witness hearth hearth.example/w+88aa...+BLm...
    group both all regulator hearth                       any, all or how many of those named
    quorum both                                           what a checkpoint must have
    age_hours 48                                          how old a co-signature may be

Blank lines and lines that begin with # are skipped. `age_hours` is not of the standard: a log that
was set back to last year has all its witnesses of last year, so a policy that names no age proves
little, and this one must. Nor is `quorum none` taken, which asks for nothing.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from common.refusals import Finding, refuse_any, shown
from ledger.log.cosignature import COSIGNATURE
from ledger.log.note import ED25519, MalformedNote, VerifierKey, parse_key

MOST_LINES = 1_000
MOST_CHARACTERS = 200_000
LARGEST_POLICY_BYTES = 4 * MOST_CHARACTERS
LONGEST_AGE_HOURS = 24 * 366
NOTHING = "none"
LINES = {
    "log": "log KEY",
    "witness": "witness NAME KEY",
    "group": "group NAME any|all|NUMBER NAME...",
    "quorum": "quorum NAME",
    "age_hours": "age_hours HOURS",
}
"""How each line is written, by its first word."""

_NEEDED = {
    "log": "says by which key the log signs",
    "quorum": "says who must have co-signed",
    "age_hours": "says how old a co-signature may be",
}


class Group(NamedTuple):
    """How many of its members must have co-signed; a member is a witness or another group."""

    least: int
    members: tuple[str, ...]


@dataclass
class Policy:
    """Whom a verifier believes, and who of them must have seen a checkpoint.

    Attributes:
        logs: the keys of the log, of which one must have signed.
        witnesses: by their names in the file.
        groups: by their names; each stands after those it names, so none contains itself.
        quorum: the name of the witness or group that must have co-signed.
        age_hours: how old a co-signature may be to count.
    """

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""
    age_hours: int = 0

    def has_quorum(self, cosigners: Collection[str]) -> bool:
        """Return whether these witnesses are enough."""
        return self._is_met(self.quorum, cosigners)

    def _is_met(self, name: str, cosigners: Collection[str]) -> bool:
        if name in self.witnesses:
            return name in cosigners
        group = self.groups[name]
        met = sum(self._is_met(member, cosigners) for member in group.members)
        return met >= group.least


def parse_policy(text: str, place: str = "policy") -> Policy:
    """Return the policy that a text states.

    Args:
        text: of the file, without a mark before it.
        place: what findings call it.

    Raises:
        Refused: naming every line that is none, or whose key or name stands on a line before it,
            and what is missing, such as who must have co-signed.
    """
    lines = text.split("\n")
    if len(text) > MOST_CHARACTERS or len(lines) > MOST_LINES + 1:
        refuse_any([_too_long(place, text, lines)])
    reader = _Reader(Policy())
    findings: list[Finding] = []
    # Line feeds alone end lines, and spaces and tabs alone part words, as the standard has it.
    for number, line in enumerate(lines, start=1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if words and not words[0].startswith("#"):
            findings += (
                Finding(wrong.code, f"{place} line {number}", *wrong[1:])
                for wrong in reader.take(words)
            )
    findings += (
        Finding("policy-lacks-a-line", place, f"no line `{word}`", f"one line {why}", _write(word))
        for word, why in _NEEDED.items()
        if word not in reader.begun
    )
    refuse_any(findings)
    return reader.policy


class _Wrong(NamedTuple):
    """What is wrong with a line: a finding but for its place."""

    code: str
    value: str
    limit: str
    remedy: str


@dataclass
class _Reader:
    """Takes a policy line by line.

    Attributes:
        policy: what the lines came to so far.
        names: of witnesses and groups, those of wrong lines too: who mends such a line has not
            to be told that what names it is wrong as well.
        begun: the first words of lines so far.
    """

    policy: Policy
    names: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)

    def take(self, words: list[str]) -> Iterator[_Wrong]:
        """Add a line to the policy, and yield what is wrong with it."""
        kind = words[0]
        is_second = kind in self.begun
        self.begun.add(kind)
        match words:
            case ["log", key] | ["log", key, _]:
                yield from self._add_log(key)
            case ["witness", name, key] | ["witness", name, key, _]:
                yield from self._add_witness(name, key)
            case ["group", name, least, *members] if members:
                yield from self._add_group(name, least, members)
            case ["quorum" | "age_hours", _] if is_second:
                limit = f"a policy has one line `{kind}`"
                yield _Wrong("policy-line-twice", "a second one", limit, "take one of them out")
            case ["quorum", name]:
                yield from self._add_quorum(name)
            case ["age_hours", hours]:
                yield from self._add_age(hours)
            case _:
                yield _no_line(words)

    def _add_log(self, text: str) -> Iterator[_Wrong]:
        key = _key(text, ED25519)
        if isinstance(key, _Wrong):
            yield key
            return
        yield from self._seen_before(key)
        self.policy.logs.append(key)

    def _add_witness(self, name: str, text: str) -> Iterator[_Wrong]:
        yield from self._taken(name)
        key = _key(text, COSIGNATURE)
        if isinstance(key, _Wrong):
            yield key
            return
        yield from self._seen_before(key)
        self.policy.witnesses[name] = key

    def _add_group(self, name: str, least: str, members: list[str]) -> Iterator[_Wrong]:
        yield from self._unknown(members)
        yield from self._taken(name)
        if len(set(members)) != len(members):
            limit = "a group names each of its members once"
            yield _Wrong("policy-member-twice", shown(" ".join(members)), limit, "name it once")
        count = {"any": 1, "all": len(members)}.get(least) or _number(least, len(members))
        if count is None:
            limit = f"any, all, or a number from 1 to {len(members)}"
            remedy = "say how many of the members must have co-signed"
            yield _Wrong("policy-count", shown(least), limit, remedy)
            return
        self.policy.groups[name] = Group(count, tuple(members))

    def _add_quorum(self, name: str) -> Iterator[_Wrong]:
        if name == NOTHING:
            limit = "a quorum is a witness or a group; `none` asks for nobody"
            yield _Wrong("policy-asks-for-nobody", shown(name), limit, "name a witness or a group")
        else:
            yield from self._unknown([name])
        self.policy.quorum = name

    def _add_age(self, text: str) -> Iterator[_Wrong]:
        hours = _number(text, LONGEST_AGE_HOURS)
        if hours is None:
            limit = f"a whole number of hours from 1 to {LONGEST_AGE_HOURS}"
            yield _Wrong("policy-age", shown(text), limit, "say how old a co-signature may be")
        self.policy.age_hours = hours or 0

    def _seen_before(self, key: VerifierKey) -> Iterator[_Wrong]:
        """Find a key that a line before has: of one key under two names, one would do."""
        known = {each.public_key for each in [*self.policy.logs, *self.policy.witnesses.values()]}
        if key.public_key in known:
            limit = "a public key stands on one line, of the log or of a witness"
            remedy = "take one of the lines out: who signs twice is one"
            yield _Wrong("policy-key-twice", f"{key}, which stands on a line before", limit, remedy)

    def _taken(self, name: str) -> Iterator[_Wrong]:
        if name == NOTHING or name in self.names:
            limit = f"a witness or a group has a name of its own, and not `{NOTHING}`"
            yield _Wrong("policy-name-taken", shown(name), limit, "give it another name")
        self.names.add(name)

    def _unknown(self, names: list[str]) -> Iterator[_Wrong]:
        for name in dict.fromkeys(names):
            if name not in self.names:
                limit = "a line before makes the witness or the group that is named"
                remedy = "correct the name, or write that line further up"
                yield _Wrong("policy-name-unknown", shown(name), limit, remedy)


def _no_line(words: list[str]) -> _Wrong:
    kind = words[0]
    limit = (
        f"a line `{kind}` reads `{LINES[kind]}`"
        if kind in LINES
        else f"a line begins with {', '.join(LINES)} or #"
    )
    return _Wrong("policy-line", shown(" ".join(words)), limit, "write it so, or take it out")


def _write(word: str) -> str:
    return f"write a line `{LINES[word]}`"


def _too_long(place: str, text: str, lines: list[str]) -> Finding:
    value = f"{len(text):,} characters in {len(lines):,} lines"
    limit = f"a policy has at most {MOST_CHARACTERS:,} characters and {MOST_LINES:,} lines"
    return Finding("policy-too-long", place, value, limit, "name the file of a policy")


def _key(text: str, kind: bytes) -> VerifierKey | _Wrong:
    try:
        return parse_key(text, kind)
    except MalformedNote:
        whose = "log" if kind == ED25519 else "witness"
        limit = f"a verifier key as a {whose} has it, NAME+KEYID+KEY, of type {kind[0]}"
        return _Wrong("policy-key", shown(text), limit, f"copy the key as the {whose} prints it")


def _number(text: str, most: int) -> int | None:
    """Return a number from 1 to `most`; None where a text is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= 6
    return int(text) if is_number and 1 <= int(text) <= most else None
