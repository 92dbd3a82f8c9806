"""A quorum of witnesses that the reader's own policy asks for, as C2SP tlog-policy writes it.

    log KEY                         a key of the log
    witness NAME KEY                a key that co-signs, of type 4, by C2SP tlog-cosignature
    group NAME any|all|K NAME...    how many of those must have co-signed
    quorum NAME                     the witness or group that must have
    age_hours N                     of the ledger's own verification: evidence has no age

Evidence shows the log as it was at its checkpoint, so when that was is told and not judged.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from verifier.ed25519 import verify_signature
from verifier.log_notes import Checkpoint, Key, decode_base64, parse_key
from verifier.merkle_tree import sha256
from verifier.report import Report

COSIGNATURE = b"\x04"
"""The signature type of a key that co-signs."""

TIME_BYTES = 8
POLICY = "--witness"


class Policy(NamedTuple):
    """Whom the reader believes: keys of the log, witnesses by name, groups, and who is enough."""

    logs: list[Key]
    witnesses: dict[str, Key]
    groups: dict[str, tuple[int, list[str]]]
    quorum: str

    def is_met(self, name: str, cosigners: Mapping[str, int]) -> bool:
        """Return whether a witness or a group has co-signed."""
        if name in self.witnesses:
            return name in cosigners
        least, members = self.groups[name]
        return sum(self.is_met(member, cosigners) for member in members) >= least


def parse_witness_key(text: str) -> Key:
    """Return the key of a witness from name+ID+base64."""
    name, _, rest = text.partition("+")
    key_id, _, encoded_key = rest.partition("+")
    content = decode_base64(encoded_key)
    expected = sha256(name.encode() + b"\n" + content)[:4]
    if len(content) != 33 or content[:1] != COSIGNATURE or expected.hex() != key_id:
        raise ValueError(f"{text[:100]!r} is no key of a witness")
    return Key(name, expected, content[1:])


def parse_policy(text: str) -> Policy:
    """Return the policy that a text states; one that asks for nobody is none.

    Raises:
        ValueError: naming every line that is wrong, and what is missing.
    """
    policy, quorums, wrong = Policy([], {}, {}, ""), list[str](), list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        try:
            if words and not words[0].startswith("#"):
                add_line(words, policy, quorums)
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    keys = [key.public_key for key in (*policy.logs, *policy.witnesses.values())]
    if len(set(keys)) < len(keys):
        wrong.append("a public key that stands on two lines of the policy")
    known = policy.witnesses.keys() | policy.groups.keys()
    if len(quorums) != 1 or quorums[0] not in known or not policy.logs:
        wrong.append("a policy names a key of the log, and one quorum of witnesses")
    if wrong:
        raise ValueError("\n  ".join(wrong))
    return policy._replace(quorum=quorums[0])


def add_line(words: Sequence[str], policy: Policy, quorums: list[str]) -> None:
    """Add what a line states to a policy, and to its quorums the one that it names."""
    kind, *rest = words
    if kind == "log" and rest:
        policy.logs.append(parse_key(rest[0]))
    elif kind == "witness" and len(rest) in (2, 3):
        require_new(rest[0], policy)
        policy.witnesses[rest[0]] = parse_witness_key(rest[1])
    elif kind == "group" and len(rest) > 2:
        require_new(rest[0], policy)
        policy.groups[rest[0]] = parse_group(rest[1], rest[2:], policy)
    elif kind == "quorum" and len(rest) == 1:
        quorums.append(rest[0])
    elif kind != "age_hours":
        raise ValueError(f"{' '.join(words)[:100]!r} is no line of a policy")


def require_new(name: str, policy: Policy) -> None:
    """Refuse a name that another line has."""
    if name == "none" or name in policy.witnesses or name in policy.groups:
        raise ValueError(f"the name {name[:100]!r} twice")


def parse_group(least: str, members: list[str], policy: Policy) -> tuple[int, list[str]]:
    """Return how many of which members; each is known before, and stands once."""
    is_number = least.isascii() and least.isdecimal() and len(least) < 7
    count = {"any": 1, "all": len(members)}.get(least) or (int(least) if is_number else 0)
    is_known = all(name in policy.witnesses or name in policy.groups for name in members)
    if not is_known or len(set(members)) < len(members) or not 1 <= count <= len(members):
        raise ValueError(f"no group of {least[:100]} of {members[:100]}")
    return count, members


def check_quorum(checkpoints: Sequence[Checkpoint], policy: Policy, report: Report) -> None:
    """Demand that the quorum co-signed one of some checkpoints of the log.

    Args:
        checkpoints: those that the evidence is held to, each found to be of the same log.
        policy: the reader's own.
        report: takes the findings.
    """
    for checkpoint in checkpoints:
        if not is_signed_by_log(checkpoint, policy):
            continue
        cosigners: dict[str, int] = {}
        for name, key in policy.witnesses.items():
            for line in checkpoint.signatures:
                if line[:2] == (key.name, key.key_id):
                    at_seconds = read_cosignature(checkpoint, line[2], key)
                    place = f"co-signature of {checkpoint.size} leaves by {name}"
                    report.equal(POLICY, place, "that it holds:", True, at_seconds is not None)
                    if at_seconds is not None:
                        cosigners[name] = at_seconds
        if policy.is_met(policy.quorum, cosigners):
            told = ", ".join(f"{name} at {moment(at)}" for name, at in sorted(cosigners.items()))
            report.notes.append(f"Co-signed at {checkpoint.size} leaves by {told}")
            report.count("quorums of witnesses")
            return
    wanted = f"a checkpoint that the quorum {policy.quorum} co-signed"
    report.add(POLICY, "", wanted, "none; name the file or the note with --checkpoint")


def is_signed_by_log(checkpoint: Checkpoint, policy: Policy) -> bool:
    """Return whether a key of the log that the policy names has signed."""
    return any(
        (name, key_id, key.name) == (key.name, key.key_id, checkpoint.origin)
        and verify_signature(key.public_key, checkpoint.body.encode(), signature)
        for name, key_id, signature in checkpoint.signatures
        for key in policy.logs
    )


def read_cosignature(checkpoint: Checkpoint, content: bytes, key: Key) -> int | None:
    """Return when a key co-signed a checkpoint, in seconds since 1970; None when it did not."""
    at_seconds = int.from_bytes(content[:TIME_BYTES], "big")
    signed = f"cosignature/v1\ntime {at_seconds}\n{checkpoint.body}".encode()
    signature = content[TIME_BYTES:]
    is_whole = len(signature) == 64 and 0 < at_seconds < 2**33
    return at_seconds if is_whole and verify_signature(key.public_key, signed, signature) else None


def moment(at_seconds: int) -> str:
    """Return a time for people."""
    return f"{dt.datetime.fromtimestamp(at_seconds, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
