"""What stands in place of a file that somebody else made, at every command that reads one."""

import os
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from common.outside_files import read_outside_file
from common.refusals import Refused
from database.embedded import ROOT
from ledger.log.keys import load_key
from portal.management.commands.dispute import read_attachment
from portal.management.told_files import read_told_files
from rulebook.folders import read_files
from witness.folder import _read as read_kept


@pytest.fixture(params=["pipe", "device", "folder", "gone"])
def no_file(request, tmp_path) -> Path:
    """What is no file: a pipe that nobody writes to, what has no end, a folder, and nothing."""
    if request.param == "device":
        return Path("/dev/zero")
    path = tmp_path / "given"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "folder":
        path.mkdir()
    return path


def test_what_is_no_file_is_refused_and_not_waited_for(no_file):
    with pytest.raises(OSError, match=r"no file|directory|No such"):
        read_outside_file(no_file, 10)
    with pytest.raises(CommandError, match="nothing was written"):
        read_told_files([no_file], 10)
    with pytest.raises(CommandError, match="cannot be read"):
        read_attachment(no_file)
    _, findings = read_files([no_file / "x.yaml" if no_file.is_dir() else no_file])
    assert findings
    with pytest.raises((Refused, CommandError), match=r"no file|directory|No such"):
        call_command("served", str(no_file))
    if no_file.exists():
        for read in (load_key, read_kept):
            with pytest.raises(Refused, match=r"no file|directory|No such"):
                read(no_file)


def test_every_file_that_cannot_be_read_is_named_at_once(tmp_path):
    (tmp_path / "large").write_bytes(bytes(11))
    (tmp_path / "small").write_bytes(bytes(10))
    with pytest.raises(CommandError) as refused:
        read_told_files([tmp_path / name for name in ("large", "small", "gone")], 10)
    said = str(refused.value)
    assert "large: more than 10 bytes; split it" in said
    assert "gone: No such file or directory\n" in said
    assert "small" not in said
    assert read_told_files([tmp_path / "small"], 10) == [("small", bytes(10))]


def test_no_command_reads_the_whole_of_what_it_is_told():
    """A command that reads a file by itself would wait for a pipe, or fill the memory."""
    ours = {"output.py", "signed_in.py", "schema.py"}  # what was written, and what is shipped
    by_itself = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "portal" / "management").rglob("*.py")
        if path.name not in ours
        and re.search(r"\.read_(bytes|text)\(|\.open\(\"rb\"\)", path.read_text())
    ]
    assert by_itself == []
