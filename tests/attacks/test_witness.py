"""Attacks on a witness, and on those who rely on one: forks, roll-backs, old words, hostile hosts.

The attacker runs the log: it has the log's key, and shows each visitor what it likes.
"""

import socket
import stat
import threading
import time
from contextlib import contextmanager

import pytest

from common.refusals import Refused
from ledger.log.cosignature import Witness, cosigned_at_seconds, cosigned_bytes
from ledger.log.note import VerifierKey, parse_key, parse_note
from ledger.log.policy import parse_policy
from ledger.log.proofs import consistency_ranges, proof_hashes
from ledger.tree import merkle_root
from tests.worlds.logged import LOG_NAME, signer
from tests.worlds.watched import LATER, WATCHED, kept_of, leaves, note_of, witness_in
from witness.cosigning import add_checkpoint, cosign_kept
from witness.fetching import fetch
from witness.folder import open_folder
from witness.requests import request_text

KEY = signer(1).key


@pytest.fixture
def folder(tmp_path):
    return witness_in(tmp_path / "w")


@pytest.fixture
def watching(folder):
    """A witness that has co-signed the first seven leaves."""
    cosign_kept(folder, kept_of(leaves(7)), [KEY], WATCHED)
    return folder


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    (finding,) = refused.value.findings
    return finding.code


def last_note(folder) -> str:
    return folder.log(LOG_NAME).checkpoint()


# ---------------------------------------------------------------- what is to hold


def test_a_log_that_grows_is_cosigned_and_kept_with_its_leaves(watching):
    cosigned = cosign_kept(watching, kept_of(leaves(12)), [], LATER)
    assert cosigned.old_size == 7
    note = parse_note(last_note(watching))
    assert note.signed_by([KEY]) == [KEY]
    at = cosigned_at_seconds(note.checkpoint, note.signatures[-1], watching.witness.key)
    assert at == int(LATER.timestamp())
    assert watching.log(LOG_NAME).seen().leaf_hashes == tuple(leaves(12))


def test_what_is_cosigned_is_laid_out_as_the_standard_has_it(folder):
    checkpoint = parse_note(note_of(leaves(3))).checkpoint
    assert cosigned_bytes(checkpoint, 1679315147) == (
        f"cosignature/v1\ntime 1679315147\n{checkpoint.body}".encode()
    )
    key = folder.witness.key
    assert str(parse_key(str(key), b"\x04")) == str(key)
    assert key.key_id != VerifierKey(key.name, key.public_key).key_id, "a log's key is another"


def test_the_example_of_the_standard_is_read():
    """The checkpoint of C2SP tlog-cosignature; its key is published nowhere, its layout is."""
    note = parse_note(
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4UR"
        "YN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl"
        "rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    assert int.from_bytes(note.signatures[1].signature[:8], "big") == 1679315147


def test_the_same_tree_is_cosigned_again_with_a_later_time(watching):
    again = cosign_kept(watching, kept_of(leaves(7)), [], LATER)
    assert (again.old_size, again.checkpoint.size) == (7, 7)


def test_the_key_is_its_owners_alone_and_two_folders_have_two(folder, tmp_path):
    assert stat.S_IMODE((folder.path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert witness_in(tmp_path / "other").witness.key != folder.witness.key


# ---------------------------------------------------------------- a log that lies


def test_a_fork_is_refused_by_naming_the_leaf_and_both_notes(watching):
    before, forked = last_note(watching), leaves(9, branch="x", fork_at=4)
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(forked), [], LATER)
    (finding,) = refused.value.findings
    assert finding.code == "witness-fork"
    assert "leaf 4 is changed" in finding.value
    for note in (before, note_of(forked)):
        assert repr(note)[1:-1] in finding.value, "both notes, to be shown to others"
    assert last_note(watching) == before, "and nothing was signed"
    (fork,) = watching.log(LOG_NAME).path.glob("fork-*")
    assert fork.read_text() == note_of(forked), "the proof of it is kept"


def test_another_tree_of_the_same_size_is_a_fork(watching):
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(7, branch="x", fork_at=6)), [], LATER)
    assert code_of(refused) == "witness-fork"


def test_a_log_that_was_rolled_back_is_refused_though_its_note_is_genuine(watching):
    cosign_kept(watching, kept_of(leaves(12)), [], LATER)
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(7)), [], LATER)
    (finding,) = refused.value.findings
    assert finding.code == "witness-smaller-tree"
    assert repr(last_note(watching))[1:-1] in finding.value


def test_a_log_that_was_rolled_back_and_grown_again_is_refused(watching):
    cosign_kept(watching, kept_of(leaves(12)), [], LATER)
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(14, branch="x", fork_at=9)), [], LATER)
    assert code_of(refused) == "witness-fork"


def test_leaf_hashes_of_another_root_than_the_note_signs_are_refused(watching):
    lying = kept_of(leaves(9)).replace(note_of(leaves(9)), note_of(leaves(9, "x", 8)))
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, lying, [], LATER)
    assert code_of(refused) == "witness-malformed-checkpoint"


def test_a_log_that_nobody_told_the_witness_of_is_not_believed(folder):
    with pytest.raises(Refused) as refused:
        cosign_kept(folder, kept_of(leaves(7)), [], WATCHED)
    assert code_of(refused) == "witness-unknown-log"
    assert folder.log(LOG_NAME).keys() == [], "and is not from then on"


def test_another_key_under_the_name_of_the_log_is_refused(watching):
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(9), by=signer(2)), [], LATER)
    assert code_of(refused) == "witness-log-key"


def test_a_note_in_which_a_signature_by_the_logs_key_fails_is_malformed(watching):
    genuine = note_of(leaves(9)).splitlines(keepends=True)
    failing = note_of(leaves(10)).splitlines(keepends=True)[-1]
    text = kept_of(leaves(9)).replace("".join(genuine), "".join([*genuine, failing]))
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, text, [], LATER)
    assert code_of(refused) == "witness-log-key"


def test_extra_signature_lines_are_not_kept_nor_cosigned(watching):
    """Lines of others, or the log's own twice: what is kept has one of each that holds."""
    genuine = note_of(leaves(9))
    own = genuine.splitlines(keepends=True)[-1]
    stranger = note_of(leaves(9), by=signer(3)).splitlines(keepends=True)[-1]
    text = kept_of(leaves(9)).replace(genuine, genuine + own + stranger)
    cosign_kept(watching, text, [], LATER)
    assert len(parse_note(last_note(watching)).signatures) == 2


def test_a_witness_with_the_logs_own_key_is_none(folder):
    own = Witness(LOG_NAME, folder.witness.private_key)
    told = VerifierKey(LOG_NAME, own.key.public_key)
    with pytest.raises(Refused) as refused:
        cosign_kept(folder, kept_of(leaves(7)), [told], WATCHED)
    assert code_of(refused) == "witness-own-key"


def test_a_clock_that_was_set_back_signs_nothing(watching):
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(9)), [], WATCHED.replace(hour=1))
    assert code_of(refused) == "witness-clock"


# ---------------------------------------------------------------- the folder


def test_a_witness_whose_key_is_gone_makes_no_other_under_its_name(watching):
    (watching.path / "key").unlink()
    with pytest.raises(Refused) as refused:
        witness_in(watching.path)
    assert code_of(refused) == "witness-folder"


def test_a_key_that_others_may_read_signs_nothing(watching):
    (watching.path / "key").chmod(0o644)
    with pytest.raises(Refused) as refused:
        witness_in(watching.path)
    assert code_of(refused) == "LOG_KEY_IS_EXPOSED"


def test_a_stop_between_two_files_forgets_nothing(watching, monkeypatch):
    """Killed after the leaves were kept and before the note: the larger tree counts as seen."""
    before = last_note(watching)
    cosign_kept(watching, kept_of(leaves(12)), [], LATER)
    (watching.log(LOG_NAME).path / "checkpoint").write_text(before)
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(9)), [], LATER)
    assert code_of(refused) == "witness-smaller-tree"


def test_two_at_once_sign_one_history(watching):
    """Whoever comes second is held to what the first one signed."""
    shown = [kept_of(leaves(9)), kept_of(leaves(9, branch="x", fork_at=7))]
    outcomes = []

    def ask(text):
        try:
            outcomes.append(cosign_kept(watching, text, [], LATER).checkpoint.root)
        except Refused as refused:
            outcomes.append(refused.findings[0].code)

    threads = [threading.Thread(target=ask, args=(text,)) for text in shown]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("witness-fork") == 1


# ---------------------------------------------------------------- tlog-witness


def proof(old_size: int, hashes: list[bytes]) -> tuple[bytes, ...]:
    def root_of(node):
        start = node.index << node.level
        return merkle_root(hashes[start : start + (1 << node.level)])

    return tuple(proof_hashes(consistency_ranges(old_size, len(hashes)), root_of))


def ask(folder, old_size, hashes, proven=None, **given):
    made = proof(old_size, hashes) if proven is None and old_size else proven or ()
    content = request_text(old_size, made, note_of(hashes, **given))
    return add_checkpoint(folder, content.encode(), LATER)


def test_add_checkpoint_answers_as_the_standard_has_it(watching):
    answer = ask(watching, 7, leaves(12))
    assert answer.status == 200
    note = parse_note(note_of(leaves(12)) + answer.body)
    at = cosigned_at_seconds(note.checkpoint, note.signatures[-1], watching.witness.key)
    assert at == int(LATER.timestamp())
    assert ask(watching, 12, leaves(12)).status == 200, "the same tree, later"


@pytest.mark.parametrize(
    ("old_size", "hashes", "given", "status"),
    [
        (0, leaves(12), {}, 409),
        (5, leaves(12), {}, 409),
        (7, leaves(5), {"proven": ()}, 400),
        (7, leaves(12, branch="x", fork_at=3), {}, 422),
        (7, leaves(7, branch="x", fork_at=3), {"proven": ()}, 422),
        (7, leaves(12), {"proven": ()}, 422),
        (7, leaves(12), {"proven": (bytes(32),) * 4}, 422),
        (7, leaves(12), {"by": signer(2)}, 403),
        (7, leaves(12), {"origin": "other.test/log"}, 404),
    ],
)
def test_add_checkpoint_refuses_with_the_status_of_the_standard(
    watching, old_size, hashes, given, status
):
    before = last_note(watching)
    answer = ask(watching, old_size, hashes, **given)
    assert answer.status == status
    assert answer.body == ("7\n" if status == 409 else "")
    assert last_note(watching) == before


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"old 7\n", b"old 07\n\n", b"old -1\n\n", b"old 7\nAAAA\n\n", b"new 7\n\nx"],
)
def test_what_is_no_request_is_refused(watching, content):
    assert add_checkpoint(watching, content, LATER).status == 400


def test_sixty_four_hashes_are_too_many(watching):
    assert ask(watching, 7, leaves(12), proven=(bytes(32),) * 64).status == 400


def test_what_a_proof_alone_showed_is_held_to_when_leaves_come(watching):
    """A tree that the log brought, without its leaves, and then another one to whoever fetches."""
    assert ask(watching, 7, leaves(12)).status == 200
    with pytest.raises(Refused) as refused:
        cosign_kept(watching, kept_of(leaves(14, branch="x", fork_at=9)), [], LATER)
    assert code_of(refused) == "witness-fork"


# ---------------------------------------------------------------- a hostile host


@contextmanager
def host(*answers: bytes, drip_seconds: float = 0.0):
    """Serve raw bytes: the last answer again and again, for as long as somebody reads."""
    listening = socket.create_server(("127.0.0.1", 0))
    gone = threading.Event()

    def serve():
        while not gone.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    for piece in answers:
                        connection.sendall(piece)
                    while answers[-1:] != (b"",) and not gone.wait(drip_seconds):
                        connection.sendall(answers[-1])
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        gone.set()
        listening.close()


OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


def test_a_host_that_sends_without_end_is_cut_off():
    with host(OK_HEAD, b"x" * 65_536) as url, pytest.raises(Refused) as refused:
        fetch(url, largest_bytes=1_000_000)
    assert "more than 1,000,000 bytes" in str(refused.value)


def test_a_host_that_drips_is_cut_off():
    began = time.monotonic()
    with host(OK_HEAD, b"x", drip_seconds=0.05) as url, pytest.raises(Refused) as refused:
        fetch(url, seconds=0.5)
    assert "not whole after 0.5 seconds" in str(refused.value)
    assert time.monotonic() - began < 5


def test_a_host_that_drips_its_head_is_cut_off():
    dripping = host(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", drip_seconds=0.02)
    with dripping as url, pytest.raises(Refused):
        fetch(url, seconds=0.5)


@pytest.mark.parametrize("status", [b"301", b"302", b"303", b"307", b"308"])
def test_a_redirect_is_not_followed(status):
    """It could lead into the network of the witness."""
    head = (
        b"HTTP/1.1 " + status + b" x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    )
    with host(head, b"") as url, pytest.raises(Refused) as refused:
        fetch(url)
    assert f"status {status.decode()} to another address" in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://x.test/", "http://", "http://[::1/", "http://a b/", "http://\n/"],
)
def test_what_is_no_address_of_the_web_is_not_asked(url):
    with pytest.raises(Refused) as refused:
        fetch(url)
    assert code_of(refused) == "witness-unfetched"


def test_nonsense_is_no_answer():
    with host(b"nonsense\r\n\r\n", b"") as url, pytest.raises(Refused):
        fetch(url)
    with host(OK_HEAD + b"\xff\xfe", b"") as url, pytest.raises(Refused):
        fetch(url)


# ---------------------------------------------------------------- a policy that asks for nothing


def policy(*lines: str, age: str = "age_hours 48") -> str:
    return "\n".join([f"log {KEY}", *lines, age, ""])


@pytest.fixture
def keys(tmp_path):
    """Two witnesses as a policy names them."""
    made = [witness_in(tmp_path / name).witness.key for name in ("a", "b")]
    return [f"witness {name} {key}" for name, key in zip("ab", made, strict=True)]


def test_a_policy_says_who_must_have_cosigned(keys):
    read = parse_policy(policy(*keys, "group both all a b", "group one any a b", "quorum both"))
    assert read.has_quorum({"a", "b"})
    assert not read.has_quorum({"a"})


@pytest.mark.parametrize(
    "lines",
    [
        ["quorum none"],
        ["group g 0 a b", "quorum g"],
        ["group g 3 a b", "quorum g"],
        ["group g any", "quorum g"],
        ["group g 2 a a", "quorum g"],
        ["group g any g", "quorum g"],
        ["quorum c"],
        [],
        ["quorum a", "quorum b"],
    ],
)
def test_a_quorum_of_nobody_is_refused(keys, lines):
    with pytest.raises(Refused):
        parse_policy(policy(*keys, *lines))


def test_the_logs_own_key_is_no_witness():
    own = VerifierKey("regulator.test/w", KEY.public_key, b"\x04")
    with pytest.raises(Refused, match="policy-key-twice"):
        parse_policy(policy(f"witness a {own}", "quorum a"))


def test_one_key_under_two_names_is_no_two_witnesses(tmp_path):
    key = witness_in(tmp_path / "a").witness.key
    other = key._replace(name="another.test/w")
    with pytest.raises(Refused, match="policy-key-twice"):
        parse_policy(policy(f"witness a {key}", f"witness b {other}", "group g 2 a b", "quorum g"))


def test_a_key_of_a_log_is_no_key_of_a_witness():
    with pytest.raises(Refused, match="of type 4"):
        parse_policy(policy(f"witness a {signer(2).key}", "quorum a"))


@pytest.mark.parametrize("age", ["", "age_hours 0", "age_hours 99999", "age_hours -1", "age 2d"])
def test_a_policy_without_an_age_is_refused(keys, age):
    with pytest.raises(Refused):
        parse_policy(policy(*keys, "quorum a", age=age))


def test_a_policy_names_the_log():
    with pytest.raises(Refused):
        parse_policy("quorum a\n")


def test_every_wrong_line_of_a_policy_is_named_at_once(keys):
    wrong = policy(
        "witness a regulator.test/w+00000000+AAAA",
        "witness b",
        keys[0],
        "group both all a c",
        "quorum none",
        "quorom both",
        age="age_hours 0",
    )
    with pytest.raises(Refused) as refused:
        parse_policy(wrong, "own.policy")
    assert [(each.place, each.code) for each in refused.value.findings] == [
        ("own.policy line 2", "policy-key"),
        ("own.policy line 3", "policy-line"),
        ("own.policy line 4", "policy-name-taken"),
        ("own.policy line 5", "policy-name-unknown"),
        ("own.policy line 6", "policy-asks-for-nobody"),
        ("own.policy line 7", "policy-line"),
        ("own.policy line 8", "policy-age"),
    ]
    assert "reads `witness NAME KEY`" in refused.value.findings[1].limit


def test_what_a_policy_lacks_is_named_at_once_and_what_names_a_wrong_line_is_not(keys):
    with pytest.raises(Refused) as refused:
        parse_policy("# nobody yet\n")
    assert [each.value for each in refused.value.findings] == [
        f"no line `{word}`" for word in ("log", "quorum", "age_hours")
    ]
    with pytest.raises(Refused) as refused:
        parse_policy(policy("witness a rubbish", "group g all a", "quorum g"))
    assert [each.code for each in refused.value.findings] == ["policy-key"]


def test_a_policy_of_a_line_too_many_is_no_policy():
    with pytest.raises(Refused, match="policy-too-long"):
        parse_policy(policy(*["# nothing"] * 1_000))


@pytest.mark.parametrize("place", ["file", "file/witness"])
def test_a_folder_that_none_can_be_is_refused_in_words(tmp_path, place):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Refused) as refused:
        open_folder(tmp_path / place, "regulator.example/witness")
    assert "Not a directory" in str(refused.value)
    assert "Errno" not in str(refused.value)
