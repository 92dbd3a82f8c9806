"""Whatever lies in a folder of law is read, or named as left out."""

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rulebook.folders import LARGEST_FILE_BYTES, left_out_of, look_into, read_files
from rulebook.yaml_text import write_yaml
from tests.examples import tried
from tests.rulebook.law import GB12, HEARTH, HIGHLAND, RULES, made, short_body


def written(path, instrument):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_yaml(made(short_body(instrument))), encoding="utf-8")
    return path


def names(folder):
    return {place.removeprefix(f"{folder}/"): why for place, why in left_out_of([folder])}


def test_a_scenario_leaves_nothing_out():
    assert left_out_of([GB12]) == []


def test_a_document_is_read_by_any_spelling_of_its_ending(tmp_path):
    files = [
        written(tmp_path / "market-rules.yaml", RULES),
        written(tmp_path / "registration" / "HIGHLAND.YAML", HIGHLAND),
        written(tmp_path / "registration" / "deep" / "hearth.Yml", HEARTH),
    ]
    documents, findings = read_files([tmp_path])
    assert findings == []
    assert sorted(place for place, _ in documents) == sorted(map(str, files))
    assert left_out_of([tmp_path]) == []


def test_what_is_not_read_is_named_with_the_reason(tmp_path):
    written(tmp_path / "market-rules.yaml", RULES)
    for name in ("README.md", "doric.yaml.bak", "doric.yaml~", "doric", "doric.yaml.txt"):
        written(tmp_path / "registration" / name, HIGHLAND)
    written(tmp_path / ".doric.yaml", HIGHLAND)
    written(tmp_path / ".git" / "doric.yaml", HIGHLAND)
    written(tmp_path / "elsewhere" / "x" / "doric.yml", HIGHLAND)
    (tmp_path / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "broken.yaml").symlink_to(tmp_path / "gone.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    found = names(tmp_path)
    assert [name for name, why in found.items() if "hidden" in why] == [".doric.yaml", ".git"]
    assert [name for name, why in found.items() if "link" in why] == ["broken.yaml", "linked"]
    assert [name for name, why in found.items() if "neither" in why] == ["pipe.yaml"]
    assert [name for name, why in found.items() if "does not end in" in why] == [
        f"registration/{name}"
        for name in ("README.md", "doric", "doric.yaml.bak", "doric.yaml.txt", "doric.yaml~")
    ]
    documents, findings = read_files([tmp_path])
    assert findings == []
    assert len(documents) == 2


def test_every_entry_of_a_folder_is_in_one_of_the_lists(tmp_path):
    for number in range(40):
        ending = (".yaml", ".YML", ".txt", "")[number % 4]
        written(tmp_path / "ab"[number % 2] / f"{number}{ending}", HIGHLAND)
    found = look_into(tmp_path)
    assert len(found.law) + len(found.left_out) == 40


def test_a_folder_that_holds_more_than_law_ever_does_is_refused_before_it_is_read(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("rulebook.folders.MOST_ENTRIES", 5)
    for number in range(4):
        written(tmp_path / "a" / f"{number}.yaml", HIGHLAND)
    assert len(look_into(tmp_path).law) == 4
    written(tmp_path / "b.txt", HIGHLAND)
    documents, findings = read_files([tmp_path])
    assert documents == left_out_of([tmp_path]) == []
    ((code, place),) = [(finding.code, finding.place) for finding in findings]
    assert (code, Path(place).name) == ("folder-too-large", "b.txt")


def test_an_empty_folder_names_what_was_left_out(tmp_path):
    written(tmp_path / "doric.yaml.txt", HIGHLAND)
    _, findings = read_files([tmp_path])
    assert [finding.code for finding in findings] == ["empty-folder"]
    assert "doric.yaml.txt" in findings[0].value


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    long = tmp_path / ("x" * 5_000)
    _, findings = read_files([long])
    assert [finding.code for finding in findings] == ["file-not-readable"]
    assert left_out_of([long]) == []


def test_a_name_that_is_no_text_is_written_so_that_it_can_be_printed(tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/m\xfcnster.yaml")
    written(tmp_path / "a.yaml", RULES).rename(odd)
    ((place, _),), findings = read_files([tmp_path])
    assert findings == []
    assert place.encode().endswith(rb"m\xfcnster.yaml")


def test_what_has_no_end_is_not_read_to_its_end():
    _, findings = read_files([Path("/dev/zero")])
    assert [finding.code for finding in findings] == ["file-not-readable"]
    assert "device" in findings[0].value


def test_who_names_a_document_that_is_too_large_is_told_to_split_it(tmp_path):
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(LARGEST_FILE_BYTES + 1)
    _, (finding,) = read_files([large])
    assert "more than 33,554,432 bytes" in finding.value
    assert finding.remedy == "split the document"


@settings(max_examples=tried(300))
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(lambda t: t.encode("utf-16")))
def test_any_bytes_are_a_document_or_a_refusal(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content)
    documents, findings = read_files([file])
    assert bool(documents) != bool(findings)
    for finding in findings:
        str(finding).encode()
