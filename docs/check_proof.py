"""Check that a document is in the log: python check_proof.py PROOF.json 'VERIFIER-KEY'.

Needs Python, and the package `cryptography` for the signature. Take the verifier key from a place
that you trust, such as a paper of the regulator, not from the proof.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    """Hash bytes one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def field(letter, value):
    """Write a field of the leaf: its type, its length, its bytes."""
    return letter + len(value).to_bytes(4, "big") + value


proof, verifier_key = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]

# The leaf: which fact it is of, and the digest that the document prints.
data = field(b"T", b"tallystick.leaf.1") + field(b"T", proof["source"].encode())
data += field(b"T", proof["key"].encode()) + field(b"B", bytes.fromhex(proof["digest"]))
node = sha256(b"\x00", data)

# The way up to the root: each hash of the proof stands to the left or to the right.
place, last = proof["index"], proof["size"] - 1
for sibling in map(bytes.fromhex, proof["hashes"]):
    if place % 2 or place == last:
        node = sha256(b"\x01", sibling, node)
        while place and place % 2 == 0:
            place, last = place // 2, last // 2
    else:
        node = sha256(b"\x01", node, sibling)
    place, last = place // 2, last // 2

# The checkpoint: it states that root, and the log's key has signed it.
body, _, signatures = proof["checkpoint"].partition("\n\n")
origin, size, root = body.split("\n")
if last or node != base64.b64decode(root) or int(size) != proof["size"]:
    sys.exit("NOT PROVEN: the hashes do not lead to the root of the checkpoint")
name, key_id, encoded = verifier_key.split("+", 2)
public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
for line in signatures.splitlines():
    signature = base64.b64decode(line.rpartition(" ")[2])
    if line.startswith(f"\u2014 {name} ") and origin == name and signature[:4].hex() == key_id:
        public_key.verify(signature[4:], (body + "\n").encode())  # raises when it does not hold
        print(f"PROVEN: {proof['key']} is leaf {proof['index']} of the {size} that {name} signed")
        sys.exit()
sys.exit("NOT PROVEN: the checkpoint is not signed by that key")
