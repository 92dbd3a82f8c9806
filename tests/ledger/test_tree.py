"""The Merkle tree against the vectors of transparency-dev/merkle (Apache-2.0) and RFC 6962."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.tree import EMPTY_ROOT, leaf_hash, merkle_root, node_hash

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def split_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 as written: split at the largest power of two below the size."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(split_root(hashes[:split]), split_root(hashes[split:]))


def test_published_roots_of_zero_to_eight_leaves():
    hashes = [leaf_hash(data) for data in LEAVES]
    assert tuple(merkle_root(hashes[:size]).hex() for size in range(9)) == ROOTS


def test_published_node_hash():
    node = node_hash(b"N123", b"N456").hex()
    assert node == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_level_by_level_equals_the_split_of_the_standard(data):
    hashes = [leaf_hash(item) for item in data]
    assert merkle_root(hashes) == split_root(hashes)


@given(st.lists(st.binary(max_size=4), min_size=2, max_size=20, unique=True), st.data())
def test_order_matters(data, draw):
    hashes = [leaf_hash(item) for item in data]
    first = draw.draw(st.integers(0, len(hashes) - 2))
    swapped = hashes.copy()
    swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
    assert merkle_root(hashes) != merkle_root(swapped)
