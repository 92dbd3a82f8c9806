"""Files for people are written whole, and never over another one unasked."""

import pytest
from django.core.management.base import CommandError

from portal.management.output import write_file, written_whole


def test_a_stop_leaves_the_file_that_was_there_and_nothing_beside_it(tmp_path):
    path = tmp_path / "proof.json"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), written_whole(path, force=True) as part:
        part.write_bytes(b"ne")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_file_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "proof.json"
    write_file(path, b"old", force=False)
    write_file(path, b"old", force=False)  # the same is left as it is
    with pytest.raises(CommandError, match="--force replaces it"):
        write_file(path, b"new", force=False)
    write_file(path, b"new", force=True)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
