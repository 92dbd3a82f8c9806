"""Signed notes: the examples of the specification, round trips, and what is malformed."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.log.note import (
    Checkpoint,
    MalformedNote,
    Note,
    Signer,
    VerifierKey,
    is_log_name,
    parse_key,
    parse_note,
    sign,
)

# The example of C2SP signed-note: a key, and what it signed.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_BODY = "This is an example message.\n"
EXAMPLE_LINE = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
    "RKuwHjG1Yu72IneyaQM=\n"
)
# The example of C2SP tlog-checkpoint.
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv"
    "2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def signer(number: int, name: str = "example.com/log") -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def test_the_example_key_and_signature_of_the_specification():
    key = parse_key(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    assert key.key_id.hex() == "530d903a"
    line = parse_note(CHECKPOINT.partition("\n\n")[0] + "\n\n" + EXAMPLE_LINE).signatures[0]
    message = Note(_Text(EXAMPLE_BODY), (line,))
    assert message.signed_by([key]) == [key]
    assert Note(_Text("Another message.\n"), (line,)).signed_by([key]) == []


class _Text:
    """Any text in the place of a checkpoint."""

    def __init__(self, body: str) -> None:
        self.body = body


def test_the_example_checkpoint_of_the_specification():
    note = parse_note(CHECKPOINT)
    assert note.checkpoint.origin == "example.com/behind-the-sofa"
    assert note.checkpoint.size == 20852163
    assert CHECKPOINT.startswith(note.checkpoint.body + "\n")
    assert [line.name for line in note.signatures] == ["example.com/behind-the-sofa"]


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32), st.integers(1, 3))
def test_a_signed_note_is_read_back_and_its_signers_are_known(size, root, count):
    checkpoint = Checkpoint("example.com/log", size, root)
    signers = [signer(number) for number in range(1, count + 1)]
    note = parse_note(sign(checkpoint, signers))
    assert note.checkpoint == checkpoint
    keys = [one.key for one in signers]
    assert note.signed_by([*keys, signer(9).key]) == keys


@given(st.integers(0, 63), st.integers(1, 2**40), st.binary(min_size=32, max_size=32))
def test_a_changed_note_is_signed_by_nobody(place, size, root):
    one = signer(1)
    note = parse_note(sign(Checkpoint("example.com/log", size, root), [one]))
    line = note.signatures[0]
    flipped = bytearray(line.signature)
    flipped[place] ^= 1
    for changed in (
        note._replace(checkpoint=note.checkpoint._replace(size=size + 1)),
        note._replace(checkpoint=note.checkpoint._replace(origin="example.com/other")),
        note._replace(signatures=(line._replace(signature=bytes(flipped)),)),
        note._replace(signatures=(line._replace(signature=line.signature[:place]),)),
        note._replace(signatures=(line._replace(name="example.com/other"),)),
    ):
        assert changed.signed_by([one.key]) == []


def test_a_key_that_is_no_key_signs_nothing():
    note = parse_note(sign(Checkpoint("example.com/log", 1, bytes(32)), [signer(1)]))
    key = VerifierKey("example.com/log", b"short")
    line = note.signatures[0]._replace(key_id=key.key_id)
    assert note._replace(signatures=(line,)).signed_by([key]) == []


GOOD = sign(Checkpoint("example.com/log", 12, bytes(32)), [signer(1)])
ROOT = "A" * 43 + "="


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no empty line"),
        (GOOD.replace("\n\n", "\n"), "no empty line"),
        (GOOD.replace("12\n", "12\n12\n"), "4 lines"),
        (GOOD.replace("example.com/log\n", "\n", 1), "no empty line|lines before|origin is empty"),
        (GOOD.replace("example.com/log\n", " \n", 1), "origin is empty"),
        (GOOD.replace("12\n", "012\n"), "size '012'"),
        (GOOD.replace("12\n", "-12\n"), "size '-12'"),
        (GOOD.replace("12\n", "١٢\n"), "no whole number"),
        (GOOD.replace("12\n", "9" * 5_000 + "\n"), "no whole number"),
        (GOOD.replace(ROOT, ROOT[4:]), "root is not base64 of 32"),
        (GOOD.replace(ROOT, "!" * 44), "root is not base64"),
        (GOOD.replace(ROOT, "A" * 42 + "B="), "root is not base64"),
        (GOOD.replace("— ", "- "), "no signature line"),
        (GOOD + "— someone\n", "no signature line"),
        (GOOD + "— someone no base64\n", "not base64"),
        (GOOD + (GOOD.splitlines()[-1] + "\n") * 16, "more than 16"),
        (GOOD + "x" * 20_000, "longer than"),
    ],
)
def test_a_malformed_note_is_refused(text, reason):
    with pytest.raises(MalformedNote, match=reason):
        parse_note(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("example.com/foo", "example.com/bar"),
        EXAMPLE_KEY[:-4],
        EXAMPLE_KEY.replace("+Aeky", "+Beky"),
    ],
)
def test_a_malformed_key_is_refused(text):
    with pytest.raises(MalformedNote):
        parse_key(text)


def test_what_a_log_may_be_called():
    assert is_log_name("example.com/log42")
    assert not any(map(is_log_name, ("", "a b", "a+b", "a\nb")))
