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

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.log.cosignature import COSIGNATURE
from ledger.log.note import MalformedNote, VerifierKey, parse_key

MOST_LINES = 1_000
MOST_CHARACTERS = 200_000
LARGEST_POLICY_BYTES = 4 * MOST_CHARACTERS
LONGEST_AGE_HOURS = 24 * 366
NOTHING = "none"


class MalformedPolicy(ValueError):
    """A text that is no policy; says which line is wrong, and with what."""


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


def parse_policy(text: str) -> Policy:
    """Return the policy that a text states.

    Raises:
        MalformedPolicy: a line is none, a key stands twice or is both the log's and a witness's,
            or nobody must have co-signed.
    """
    if len(text) > MOST_CHARACTERS or text.count("\n") > MOST_LINES:
        raise MalformedPolicy(f"longer than {MOST_CHARACTERS} characters or {MOST_LINES} lines")
    policy = Policy()
    # Line feeds alone end lines, and spaces and tabs alone part words, as the standard has it.
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.replace("\t", " ").strip(" ").split(" ")
        words = [word for word in words if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            _add(policy, words)
        except (MalformedPolicy, MalformedNote) as error:
            raise MalformedPolicy(f"line {number}: {error}") from None
    for wanted, what in (
        (policy.logs, "no line `log` with a key of the log"),
        (policy.quorum, "no line `quorum` that says who must have co-signed"),
        (policy.age_hours, "no line `age_hours` that says how old a co-signature may be"),
    ):
        if not wanted:
            raise MalformedPolicy(what)
    return policy


def _add(policy: Policy, words: list[str]) -> None:
    match words:
        case ["log", key] | ["log", key, _]:
            policy.logs.append(_new_key(policy, parse_key(key)))
        case ["witness", name, key] | ["witness", name, key, _]:
            _require_new_name(policy, name)
            policy.witnesses[name] = _new_key(policy, parse_key(key, COSIGNATURE))
        case ["group", name, least, *members]:
            _require_new_name(policy, name)
            policy.groups[name] = _group(policy, least, members)
        case ["quorum", name]:
            if policy.quorum:
                raise MalformedPolicy("a second quorum")
            if name == NOTHING:
                raise MalformedPolicy("`quorum none` asks for nobody; name a witness or a group")
            _require_known(policy, name)
            policy.quorum = name
        case ["age_hours", hours]:
            if policy.age_hours:
                raise MalformedPolicy("a second age_hours")
            policy.age_hours = _number(hours, LONGEST_AGE_HOURS)
        case _:
            raise MalformedPolicy(f"{' '.join(words)[:100]!r} is no line of a policy")


def _group(policy: Policy, least: str, members: list[str]) -> Group:
    if not members or len(set(members)) != len(members):
        raise MalformedPolicy("a group names its members, each once")
    for member in members:
        _require_known(policy, member)
    counts: Mapping[str, int] = {"any": 1, "all": len(members)}
    return Group(counts.get(least) or _number(least, len(members)), tuple(members))


def _new_key(policy: Policy, key: VerifierKey) -> VerifierKey:
    """Return a key that no line before it has: of the same key under two names, one would do."""
    known = {other.public_key for other in [*policy.logs, *policy.witnesses.values()]}
    if key.public_key in known:
        raise MalformedPolicy(f"the public key of {key} stands on a line before it")
    return key


def _require_new_name(policy: Policy, name: str) -> None:
    if name == NOTHING or name in policy.witnesses or name in policy.groups:
        raise MalformedPolicy(f"the name {name[:60]!r} is taken")


def _require_known(policy: Policy, name: str) -> None:
    if name not in policy.witnesses and name not in policy.groups:
        raise MalformedPolicy(f"no line before it makes a witness or a group {name[:60]!r}")


def _number(text: str, most: int) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= 6
    if not is_number or not 1 <= int(text) <= most:
        raise MalformedPolicy(f"{text[:60]!r} is no number from 1 to {most}")
    return int(text)
