"""The verifier's own arithmetic held to what others publish, and the choice of what is exported."""

import hashlib
import json

import pytest
import rfc8785
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as some

import ledger.chain
import ledger.closing
import ledger.log.leaf
import settlement.billing.posting
import settlement.runs.results
import settlement.runs.run
import settlement.studies.overlay
from ledger.tree import merkle_root
from rulebook.digest import canonical_bytes, document_body
from rulebook.reading import read_document
from rulebook.yaml_text import read_yaml
from settlement.evidence.verifier_file import verifier_file
from tests.conftest import ROOT
from tests.rulebook.core_yaml import CoreReader
from verifier import merkle_tree as verifier_tree
from verifier.canonical_json import canonical_json
from verifier.ed25519 import verify_signature
from verifier.readable import write_readable

RFC_8032 = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        b"\x72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        b"\xaf\x82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").digest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("name", RFC_8032)
def test_signatures_of_rfc_8032_hold(name):
    key, message, signature = RFC_8032[name]
    key, signature = bytes.fromhex(key), bytes.fromhex(signature)
    assert verify_signature(key, message, signature)
    assert not verify_signature(key, message + b"\x00", signature)
    assert not verify_signature(key, message, signature[:-1])
    for place in (0, 31, 32, 63):
        other = bytearray(signature)
        other[place] ^= 1
        assert not verify_signature(key, message, bytes(other))


@given(some.binary(min_size=32, max_size=32), some.binary(max_size=200), some.integers(0, 511))
def test_signatures_are_judged_as_a_library_judges_them(seed, message, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify_signature(key, message, signature)
    other = bytearray(signature)
    other[bit // 8] ^= 1 << bit % 8
    assert not verify_signature(key, message, bytes(other))


def test_a_signature_has_one_writing():
    key, message, signature = RFC_8032["TEST 2"]
    scalar = int.from_bytes(bytes.fromhex(signature)[32:], "little") + GROUP_ORDER
    other = bytes.fromhex(signature)[:32] + scalar.to_bytes(32, "little")
    assert not verify_signature(bytes.fromhex(key), message, other)


@pytest.mark.parametrize("point", [2**255 - 19, 2, 1 + 2**255])
def test_what_is_no_point_of_the_curve_is_no_key(point):
    _, message, signature = RFC_8032["TEST 2"]
    key = point.to_bytes(32, "little")
    assert not verify_signature(key, message, bytes.fromhex(signature))


values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**53) + 1, 2**53 - 1)
    | some.text(some.characters(exclude_categories=["Cs"])),
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(
            some.text(some.characters(exclude_categories=["Cs"])), inner, max_size=4
        )
    ),
)


@given(values)
def test_canonical_json_is_that_of_rfc_8785(value):
    assert canonical_json(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.0, 2**53, -(2**53), "\ud800", {1}])
def test_what_no_document_holds_has_no_canonical_json(value):
    with pytest.raises(ValueError):
        canonical_json(value)


@given(some.lists(some.binary(min_size=32, max_size=32), max_size=70))
def test_the_verifier_finds_the_roots_of_the_ledger(hashes):
    assert verifier_tree.merkle_root(hashes) == merkle_root(hashes)


def test_the_verifier_knows_every_layout_that_the_product_writes():
    modules = (
        ledger.closing,
        ledger.chain,
        ledger.log.leaf,
        settlement.billing.posting,
        settlement.runs.results,
        settlement.runs.run,
        settlement.studies.overlay,
    )
    tags = [
        value for module in modules for name, value in vars(module).items() if name.endswith("_TAG")
    ]
    source = verifier_file().decode()
    assert len(tags) >= 12
    assert [tag for tag in tags if f'"{tag}"' not in source] == []


def test_a_root_of_the_first_leaves_is_that_of_a_list_of_them():
    hashes = [bytes([number]) * 32 for number in range(70)]
    roots = verifier_tree.roots_at(hashes, range(100))
    assert roots == {size: merkle_root(hashes[:size]) for size in range(1, 71)}


texts = some.text(some.characters(exclude_categories=["Cs"]))
# Of any characters, as JSON may hold them; keys as documents have them, and words of YAML.
bodies = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(texts.filter(bool), inner, max_size=4)
    ),
)


@given(some.dictionaries(texts.filter(bool), bodies, max_size=4))
@example({"on": {"a": [[1, [2]], {"b": [{}], "c": None}], "no": "\u202e\u0085\ufeff\U000e0001"}})
def test_the_readable_form_is_yaml_of_the_same_values(body):
    assert yaml.load(write_readable(body), Loader=CoreReader) == body


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("gb12*/**/*.yaml")), ids=str)
def test_the_readable_form_of_a_document_is_read_as_the_document(path):
    document, _ = read_document(path.read_text(), path.name)
    body = document_body(document)
    written = write_readable(json.loads(canonical_bytes(body)))
    assert read_yaml(written) == body
    assert read_document(written, path.name)[0] == document


def test_what_shows_nothing_or_turns_the_reading_direction_is_escaped():
    assert write_readable({"text": "pay\u202e me\u200b"}) == 'text: "pay\\u202e me\\u200b"\n'
