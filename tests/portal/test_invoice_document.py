"""`manage.py invoice_document`: one document, a month of them, and what it refuses."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from common.refusals import Finding, Refused
from settlement.documents.formats import FORMATS, Format
from tests.portal.site import MARKET, SUPPLIER


@pytest.fixture
def number(documents) -> str:
    return documents[SUPPLIER][0].number


def command(*arguments) -> str:
    out = io.StringIO()
    call_command("invoice_document", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_document_is_written_in_each_format(number, tmp_path, name):
    file = tmp_path / "document"
    assert command(number, "--format", name, "--out", file).strip() == str(file)
    first = file.read_bytes()
    assert first
    command(number, "--format", name, "--out", file)
    assert file.read_bytes() == first


def test_a_month_is_written_into_a_folder_a_file_a_document(documents, tmp_path):
    folder = tmp_path / "march"
    told = command("--market", MARKET, "--month", "2024-03", "--format", "pdf", "--out", folder)
    expected = {f"{one.number}.pdf" for ones in documents.values() for one in ones}
    assert {file.name for file in folder.iterdir()} == expected
    assert f"{len(expected)} documents written" in told
    alone = tmp_path / "alone.pdf"
    number = sorted(expected)[0].removesuffix(".pdf")
    command(number, "--out", alone)
    assert (folder / f"{number}.pdf").read_bytes() == alone.read_bytes()


def test_the_files_of_a_month_are_told_as_json(documents, tmp_path):
    place = ("--market", MARKET, "--month", "2024-03", "--format", "json", "--out", tmp_path / "a")
    files = json.loads(command(*place, "--processes", "1", "--json"))["files"]
    assert len(files) == sum(map(len, documents.values()))


def test_a_document_that_cannot_be_written_is_named_and_keeps_no_other(
    documents, tmp_path, monkeypatch, capsys
):
    """As one does whose law was published before publication refused what no font shows."""
    odd = documents[SUPPLIER][0].number
    whole = FORMATS["json"].render

    def render(document):
        if document.number == odd:
            raise Refused(
                [Finding("unprintable-character", f"document {odd}", "U+2B000", "a", "b")]
            )
        return whole(document)

    monkeypatch.setitem(FORMATS, "json", Format("json", "json", "application/json", render))
    month = ("--market", MARKET, "--month", "2024-03", "--format", "json", "--processes", "1")
    expected = {f"{one.number}.json" for ones in documents.values() for one in ones}
    with pytest.raises(CommandError, match=rf"document {odd}.*U\+2B000") as failed:
        command(*month, "--out", tmp_path / "words")
    assert failed.value.returncode == 1
    assert {file.name for file in (tmp_path / "words").iterdir()} == expected - {f"{odd}.json"}
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("invoice_document", *month, "--json", "--out", str(tmp_path / "a"), stdout=out)
    told = json.loads(out.getvalue())
    assert len(told["files"]) == len(expected) - 1
    assert [each["place"] for each in told["refused"]] == [f"document {odd}"]
    with pytest.raises(CommandError, match=r"U\+2B000"):
        command(odd, "--format", "json", "--out", tmp_path / "alone")
    assert not (tmp_path / "alone").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gb12-invoice-999999"], "no-such-document"),
        (["gb12-invoice-1"], "look the number up"),
        ([], "name a document, or --market and --month"),
        (["--market", "gb12"], "name a document, or --market and --month"),
        (["gb12-invoice-000001", "--market", "gb12", "--month", "2024-03"], "name a document"),
        (["--market", "gb12", "--month", "2023-01"], "no document of 2023-01"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is(documents, tmp_path, arguments, words):
    file = tmp_path / "document"
    with pytest.raises(CommandError, match=words):
        command(*arguments, "--out", file)
    assert not file.exists()


def test_a_path_that_cannot_be_written_is_named(number, tmp_path):
    with pytest.raises(CommandError, match="name another path"):
        command(number, "--out", tmp_path / "absent" / "file.pdf")


def test_no_other_file_is_written_over_unasked(number, tmp_path):
    file = tmp_path / "README.md"
    file.write_text("Read me")
    with pytest.raises(CommandError, match="is there already; --force replaces it"):
        command(number, "--format", "csv", "--out", file)
    assert file.read_text() == "Read me"
    command(number, "--format", "csv", "--out", file, "--force")
    assert file.read_text() != "Read me"
    with pytest.raises(CommandError, match="is a folder and cannot be written"):
        command(number, "--out", tmp_path, "--force")


def test_no_other_file_of_a_month_is_written_over_unasked(number, tmp_path):
    file = tmp_path / f"{number}.json"
    file.write_text("Kept")
    place = ("--market", MARKET, "--month", "2024-03", "--format", "json", "--out", tmp_path)
    with pytest.raises(CommandError, match=f"{number}.json is there already"):
        command(*place, "--processes", "1")
    assert file.read_text() == "Kept"
    assert list(tmp_path.iterdir()) == [file]
