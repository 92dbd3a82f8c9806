"""Proofs, held to the published cases of transparency-dev/merkle and to a slow tree."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log.append_only_tree import AppendOnlyTree
from ledger.log.proofs import (
    consistency_holds,
    consistency_ranges,
    inclusion_holds,
    inclusion_ranges,
    inclusion_steps,
    nodes_of,
    proof_hashes,
    range_hash,
    range_of,
)
from ledger.log.tiles import TILE_WIDTH, TileKey, full_tiles, node_hash_of, place_of
from ledger.tree import leaf_hash, merkle_root
from tests.ledger.test_tree import LEAVES, ROOTS, split_root

VECTORS = json.loads((Path(__file__).parent / "merkle_vectors.json").read_text())
HASHES = [bytes.fromhex(text) for text in VECTORS["hashes"]]


def leaf_hashes(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


def slow_hash(hashes: list[bytes]):
    """Return what gives the hash of a complete subtree from all leaves below it."""
    return lambda node: split_root(
        hashes[node.index << node.level : (node.index + 1) << node.level]
    )


def slow_path(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1 as written."""
    if len(hashes) == 1:
        return []
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    if index < split:
        return [*slow_path(index, hashes[:split]), split_root(hashes[split:])]
    return [*slow_path(index - split, hashes[split:]), split_root(hashes[:split])]


def slow_subproof(old: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2 as written."""
    if old == len(hashes):
        return [] if whole else [split_root(hashes)]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    if old <= split:
        return [*slow_subproof(old, hashes[:split], whole), split_root(hashes[split:])]
    return [*slow_subproof(old - split, hashes[split:], False), split_root(hashes[:split])]


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case[0])
def test_published_inclusion_cases(case):
    _, index, size, leaf, root, proof, holds = case
    found = inclusion_holds(index, size, HASHES[leaf], [HASHES[one] for one in proof], HASHES[root])
    assert found is holds


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case[0])
def test_published_consistency_cases(case):
    _, old_size, size, old_root, root, proof, holds = case
    found = consistency_holds(
        old_size, size, HASHES[old_root], HASHES[root], [HASHES[one] for one in proof]
    )
    assert found is holds


def test_published_proofs_are_made():
    """The eight published leaves give the proofs of the cases that hold."""
    hashes = [leaf_hash(data) for data in LEAVES]
    for name, index, size, leaf, root, proof, holds in VECTORS["inclusion"]:
        if holds and not name.startswith("single"):
            assert HASHES[root].hex() == ROOTS[size]
            assert HASHES[leaf] == hashes[index]
            made = proof_hashes(inclusion_ranges(index, size), slow_hash(hashes))
            assert made == [HASHES[one] for one in proof]
    for name, old_size, size, _, _, proof, holds in VECTORS["consistency"]:
        if holds and not name.startswith("additional"):
            made = proof_hashes(consistency_ranges(old_size, size), slow_hash(hashes))
            assert made == [HASHES[one] for one in proof]


@given(st.integers(1, 70), st.data())
def test_an_inclusion_proof_is_that_of_the_standard_and_holds(size, draw):
    hashes = leaf_hashes(size)
    index = draw.draw(st.integers(0, size - 1))
    proof = proof_hashes(inclusion_ranges(index, size), slow_hash(hashes))
    assert proof == slow_path(index, hashes)
    assert inclusion_holds(index, size, hashes[index], proof, split_root(hashes))


@given(st.integers(1, 70), st.data())
def test_a_consistency_proof_is_that_of_the_standard_and_holds(size, draw):
    hashes = leaf_hashes(size)
    old = draw.draw(st.integers(1, size))
    proof = proof_hashes(consistency_ranges(old, size), slow_hash(hashes))
    assert proof == slow_subproof(old, hashes, True)
    assert consistency_holds(old, size, split_root(hashes[:old]), split_root(hashes), proof)


@given(st.integers(2, 70), st.data())
def test_a_changed_inclusion_proof_does_not_hold(size, draw):
    hashes = leaf_hashes(size)
    index = draw.draw(st.integers(0, size - 1))
    proof = proof_hashes(inclusion_ranges(index, size), slow_hash(hashes))
    root = split_root(hashes)
    other = draw.draw(st.integers(0, size - 1).filter(lambda one: one != index))
    assert not inclusion_holds(other, size, hashes[index], proof, root)
    assert not inclusion_holds(index, size, hashes[other], proof, root)
    place = draw.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[place][0] ^ 1]) + proof[place][1:]
    for changed in (
        [*proof[:place], flipped, *proof[place + 1 :]],
        [*proof[:place], *proof[place + 1 :]],
        [*proof, root],
        [*proof[:place], proof[place][:31], *proof[place + 1 :]],
    ):
        assert not inclusion_holds(index, size, hashes[index], changed, root)


@given(st.integers(2, 70), st.data())
def test_a_rewritten_past_is_not_consistent(size, draw):
    hashes = leaf_hashes(size)
    old = draw.draw(st.integers(1, size - 1))
    proof = proof_hashes(consistency_ranges(old, size), slow_hash(hashes))
    rewritten = hashes.copy()
    rewritten[draw.draw(st.integers(0, old - 1))] = leaf_hash(b"another past")
    new_root, old_root = split_root(rewritten), split_root(hashes[:old])
    forged = proof_hashes(consistency_ranges(old, size), slow_hash(rewritten))
    assert not consistency_holds(old, size, old_root, new_root, proof)
    assert not consistency_holds(old, size, old_root, new_root, forged)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_no_proof_is_made_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_ranges(index, size)


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_no_proof_is_made_of_an_empty_or_a_larger_tree(old, size):
    with pytest.raises(ValueError, match="no tree"):
        consistency_ranges(old, size)


def test_a_proof_of_endless_length_does_not_hold():
    assert inclusion_steps(0, 1 << 300, bytes(32), [bytes(32)] * 300) is None


@given(st.integers(0, 300))
def test_a_growing_tree_has_the_roots_of_the_whole(size):
    tree = AppendOnlyTree()
    for hashed in leaf_hashes(size):
        tree.append(hashed)
    assert (tree.size, tree.root()) == (size, merkle_root(leaf_hashes(size)))


@given(st.integers(1, 70_000), st.data())
def test_a_subtree_lies_within_one_tile(size, draw):
    index = draw.draw(st.integers(0, size - 1))
    for node in nodes_of(inclusion_ranges(index, size)):
        tile, place = place_of(node)
        assert 0 <= place.start < place.stop <= TILE_WIDTH
        first = (tile.index * TILE_WIDTH + place.start) << (8 * tile.level)
        last = (tile.index * TILE_WIDTH + place.stop) << (8 * tile.level)
        assert (first, last) == (node.index << node.level, (node.index + 1) << node.level)


def test_tiles_give_the_root_of_a_thousand_leaves():
    hashes = leaf_hashes(1_000)
    tiles = {TileKey(0, at // 256): hashes[at : at + 256] for at in range(0, 1_000, 256)}
    tiles[TileKey(1, 0)] = [merkle_root(hashes[at : at + 256]) for at in range(0, 768, 256)]

    def hash_of(node):
        tile, place = place_of(node)
        return node_hash_of(tiles[tile], place)

    assert range_hash(range_of(0, 1_000), hash_of) == merkle_root(hashes)
    assert list(full_tiles(1_000)) == [(0, 3)]
    with pytest.raises(ValueError, match="has none"):
        node_hash_of(hashes[:3], slice(2, 4))
