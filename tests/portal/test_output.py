"""Files for people are written whole, and never over another one unasked."""

import os
import socket

import pytest
from django.core.management.base import CommandError

from portal.management.output import write_file, write_files, written_whole


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


def test_files_that_belong_together_are_written_all_or_none(tmp_path):
    first, taken = tmp_path / "a.csv", tmp_path / "b.csv"
    taken.write_bytes(b"old")
    with pytest.raises(CommandError, match=r"b\.csv is there already; --force replaces it"):
        write_files({first: b"new", taken: b"new"}, force=False)
    assert list(tmp_path.iterdir()) == [taken]
    with pytest.raises(CommandError, match=r"c\.csv cannot be written: No such file"):
        write_files({first: b"new", taken: b"new", tmp_path / "no/c.csv": b"new"}, force=True)
    assert list(tmp_path.iterdir()) == [taken]
    assert taken.read_bytes() == b"old"
    write_files({first: b"new", taken: b"new"}, force=True)
    assert {path.read_bytes() for path in (first, taken)} == {b"new"}


def test_a_pipe_or_a_device_is_never_replaced(tmp_path):
    pipe, bound = tmp_path / "pipe", tmp_path / "socket"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as special:
        special.bind(str(bound))
        for path in (pipe, bound):
            with pytest.raises(CommandError, match="is never replaced; name a file"):
                write_file(path, b"new", force=True)
    assert sorted(tmp_path.iterdir()) == [pipe, bound]
    assert not pipe.is_file()


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    file, link = tmp_path / "proof.json", tmp_path / "latest"
    file.write_bytes(b"old")
    link.symlink_to(file)
    write_file(link, b"new", force=True)
    assert file.read_bytes() == b"new"
    assert link.is_symlink()
