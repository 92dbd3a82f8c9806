"""The file of a checkpoint that others keep, and how a log is compared with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log.kept import KEPT_FORMAT, head_leaf, kept_text, parse_kept
from ledger.log.leaf_differences import Change, Difference, compare_leaves
from ledger.log.note import Checkpoint, MalformedNote, parse_note, sign
from ledger.tree import leaf_hash, merkle_root
from tests.worlds.logged import LOG_NAME, signer
from verifier.log_notes import note_of_kept, parse_checkpoint

HASHES = [leaf_hash(bytes([number])) for number in range(40)]
NEW = [leaf_hash(b"new" + bytes([number])) for number in range(10)]
NOTE = sign(Checkpoint(LOG_NAME, 40, merkle_root(HASHES)), [signer(1), signer(2)])
FILE = kept_text(NOTE, HASHES)


def test_a_file_holds_the_note_and_every_hash():
    kept = parse_kept(FILE)
    assert kept.note == parse_note(NOTE)
    assert list(kept.leaf_hashes) == HASHES
    assert kept.note.signed_by([signer(1).key, signer(2).key]) == [signer(1).key, signer(2).key]
    assert kept_text(NOTE, kept.leaf_hashes) == FILE


def test_a_note_alone_is_read_as_before():
    assert parse_kept(NOTE) == (parse_note(NOTE), None, ())


def test_the_verifier_of_evidence_reads_the_note_of_both():
    assert parse_checkpoint(note_of_kept(FILE)) == parse_checkpoint(note_of_kept(NOTE))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FILE[:-1], "last leaf does not end"),
        (FILE + "\n", "no link"),
        (FILE[:-45], "39 leaf hashes"),
        (FILE.replace("=\n", "=\r\n"), "root is not base64"),
        (FILE.removesuffix("\n") + " \n", "digest of leaf 39 is not base64"),
        (kept_text(NOTE, [*HASHES[:-1], NEW[0]]), "do not give the root"),
        (kept_text(NOTE, [HASHES[1], HASHES[0], *HASHES[2:]]), "do not give the root"),
        (KEPT_FORMAT, "no empty line"),
        (f"{KEPT_FORMAT}\n{NOTE}", "0 leaf hashes"),
        (f"{KEPT_FORMAT}\n\n{NOTE}", "lines before the empty one"),
        ("tallystick.kept-checkpoint.2" + FILE.removeprefix(KEPT_FORMAT), "4 lines"),
    ],
)
def test_a_file_that_is_not_written_so_is_refused(text, reason):
    with pytest.raises(MalformedNote, match=reason):
        parse_kept(text)


LINKS = NEW[:3]
LEAVES = [*HASHES[:-1], head_leaf(3, LINKS[-1]).hash]
TRAILED = kept_text(sign(Checkpoint(LOG_NAME, 40, merkle_root(LEAVES)), [signer(1)]), LEAVES, LINKS)


def test_a_file_holds_the_links_of_the_trail_to_the_head_that_it_covers():
    kept = parse_kept(TRAILED)
    assert (list(kept.leaf_hashes), list(kept.link_digests)) == (LEAVES, LINKS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TRAILED[:-1], "last link does not end"),
        (TRAILED[:-45], "no head"),
        (TRAILED[:-46], "last link does not end"),
        (TRAILED + "\n", "digest of link 3 is not base64"),
        (TRAILED[: -3 * 45], "no link"),
    ],
)
def test_links_that_no_leaf_names_are_refused(text, reason):
    with pytest.raises(MalformedNote, match=reason):
        parse_kept(text)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([*HASHES, *NEW], []),
        ([*HASHES[:7], NEW[0], *HASHES[8:], NEW[1]], [(Change.CHANGED, 7, 7)]),
        ([*HASHES[:39], NEW[0]], [(Change.CHANGED, 39, 39)]),
        ([*HASHES[:7], *HASHES[9:]], [(Change.GONE, 7, None, 2)]),
        (HASHES[:37], [(Change.CUT_OFF, 37, None, 3)]),
        ([*HASHES[:37], NEW[0]], [(Change.CHANGED, 37, 37), (Change.CUT_OFF, 38, None, 2)]),
        ([], [(Change.CUT_OFF, 0, None, 40)]),
        ([NEW[0], *HASHES], [(Change.INSERTED, None, 0)]),
        ([*HASHES[:7], NEW[0], *HASHES[7:], NEW[1]], [(Change.INSERTED, None, 7)]),
        ([HASHES[0], HASHES[2], HASHES[1], *HASHES[3:]], [(Change.MOVED, 1, 2)]),
        ([*HASHES[1:], HASHES[0]], [(Change.MOVED, 0, 39)]),
    ],
)
def test_what_became_of_leaves_is_told_apart(found, expected):
    told = [
        (each.change, each.kept_index, each.index, each.count)
        for each in compare_leaves(HASHES, found)
    ]
    assert told == [(*each, 1)[:4] for each in expected]


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)), st.sets(st.integers(0, 9)))
def test_every_leaf_that_is_not_as_it_was_is_told_once(order, gone, places):
    """Whatever was done: what is kept and not at its place is told, and nothing else."""
    kept = HASHES[:8]
    found = [kept[at] for at in order if at not in gone]
    for number, place in enumerate(sorted(places)):
        found.insert(place, NEW[number])
    differences = compare_leaves(kept, found)
    told = [
        at
        for each in differences
        if each.kept_index is not None
        for at in range(each.kept_index, each.kept_index + each.count)
    ]
    assert len(told) == len(set(told))
    assert gone == {
        at
        for each in differences
        if each.change in (Change.CHANGED, Change.GONE, Change.CUT_OFF)
        for at in range(each.kept_index, each.kept_index + each.count)
    }
    still = [kept.index(hashed) for hashed in found if hashed in kept]
    resting = [at for at in still if at not in told]
    assert resting == sorted(resting)
    if found[: len(kept)] == kept:
        assert differences == []
    elif not gone:
        assert differences != []


def test_differences_of_a_large_log_take_no_square_of_it():
    kept = [leaf_hash(number.to_bytes(4)) for number in range(100_000)]
    (moved,) = compare_leaves(kept, [*kept[1:], kept[0]])
    assert moved == Difference(Change.MOVED, 0, 99_999)
