"""Thousands of files are checked in one go: what they have in common is read once, and what changed is always seen."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies.registry import check_agency_file
from agencies.rule_pages import EXAMPLES
from agencies.sample import load_sample
from agencies.source import FileFaults, Source
from agencies.yaml_tree import MAX_DEPTH


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of a profile, `systems/desk.yaml`, and of an agency that uses it, `agencies/works.yaml`."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config"))


def change_unnoticed(path: Path, old: str, new: str) -> None:
    """Change a file so that its size and its time stay as they are."""
    text, known = path.read_text(), path.stat()
    assert len(old) == len(new)
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))


def codes_of(path: Path) -> list[str]:
    try:
        check_agency_file(path)
    except FileFaults as found:
        return [fault.code for fault in found.faults]
    return []


def test_a_sample_changed_behind_its_size_and_time_is_read_anew(files: Path) -> None:
    sample = files / "agencies" / "roads" / "pothole.yaml"
    assert load_sample(sample).category == "roads/pothole"
    change_unnoticed(sample, "roads/pothole", "roads/crevice")
    assert load_sample(sample).category == "roads/crevice"


def test_an_attachment_beside_a_sample_is_read_anew_although_the_sample_stays(files: Path) -> None:
    sample = files / "agencies" / "roads" / "pothole.yaml"
    sample.write_text(sample.read_text() + "attachments: [{name: a.jpg, file: a.jpg}]\n")
    (sample.parent / "a.jpg").write_bytes(b"before")
    assert load_sample(sample).attachments[0].content == b"before"
    (sample.parent / "a.jpg").write_bytes(b"after!")
    assert load_sample(sample).attachments[0].content == b"after!"


def test_a_profile_changed_behind_its_size_and_time_is_read_anew(files: Path) -> None:
    works = files / "agencies" / "works.yaml"
    assert codes_of(works) == []
    change_unnoticed(files / "systems" / "desk.yaml", "message.subject", "message.subjekt")
    assert codes_of(works) == ["unknown-name"]


def test_a_broken_profile_is_refused_each_time_and_works_when_mended(files: Path) -> None:
    works, desk = files / "agencies" / "works.yaml", files / "systems" / "desk.yaml"
    change_unnoticed(desk, "kind: secret", "kind: sekret")
    assert codes_of(works) == codes_of(works) == ["bad-value"]
    change_unnoticed(desk, "kind: sekret", "kind: secret")
    assert codes_of(works) == []


def test_two_agencies_on_one_profile_keep_their_own_answers_and_places(files: Path) -> None:
    works, other = files / "agencies" / "works.yaml", files / "agencies" / "other.yaml"
    text = works.read_text().replace("code: works", "code: other").replace("works.example/api", "other.example/api")
    other.write_text(text + "  queue: north\n")
    for path in (works, other, works):
        source, file = check_agency_file(path)
        queue = "north" if path == other else "inbox"
        assert file.connection.address == f"https://{path.stem}.example/api"
        assert file.submit.request == f"POST /queues/{queue}/tickets"
        assert source.folder_of(("connection", "address")) == files / "agencies"
        assert source.folder_of(("submit", "send")) == files / "systems"


def test_a_table_inside_a_text_of_a_profile_is_a_fault_of_the_profile(files: Path) -> None:
    desk = files / "systems" / "desk.yaml"
    text = desk.read_text().replace("kind: text, example: inbox, default: inbox", "kind: table, example: {a: b}")
    desk.write_text(text)
    works = files / "agencies" / "works.yaml"
    works.write_text(works.read_text() + "  queue: {north: south}\n")
    with pytest.raises(FileFaults) as found:
        check_agency_file(works)
    (fault,) = found.value.faults
    assert (fault.code, Path(fault.file).name) == ("bad-question", "desk.yaml")


def test_a_bad_expression_in_the_call_of_a_feed_is_one_fault(files: Path) -> None:
    desk = files / "systems" / "desk.yaml"
    feed = (
        "status:\n  means: {a: registered}\n  poll:\n    request: GET /changes\n    every: 10m\n"
        "    query: {since: poll.since | utc-ms}\n    each: changes\n    case_id: item.id\n    state: item.state\n"
        "    at: item.at\n"
    )
    desk.write_text(desk.read_text() + feed)
    assert codes_of(files / "agencies" / "works.yaml") == ["bad-expression"]


def test_a_link_out_of_the_folder_is_refused_for_a_sample(files: Path, tmp_path: Path) -> None:
    roads = files / "agencies" / "roads.yaml"
    assert codes_of(roads) == []
    sample = files / "agencies" / "roads" / "pothole.yaml"
    sample.rename(tmp_path / "elsewhere.yaml")
    sample.symlink_to(tmp_path / "elsewhere.yaml")
    assert codes_of(roads) == ["outside-the-folder"]


WORDS = st.text(st.sampled_from("abя☂ :-#*&!{}[]'\"\\"), max_size=6)
TREES = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)


@given(TREES, st.sampled_from([None, 0, 2]))
def test_every_value_and_every_key_is_told_where_it_stands(tree: object, indent: int | None) -> None:
    text = json.dumps(tree, ensure_ascii=False, indent=indent)
    lines = text.split("\n")
    source = Source.parse(text, "a.yaml")
    assert source.data == tree
    assert source.position(()) == (1, 1)
    for path, place in source.tree.values.items():
        value = source.at(path)
        whole = json.dumps(value, ensure_ascii=False)
        begins = whole if isinstance(value, str) else whole[0]
        assert lines[place.line - 1][place.column - 1 :].startswith(begins)
        assert source.position(path) == place
        assert source.position((*path, "no such key")) == place
        if path and isinstance(path[-1], str):
            key = source.key_position(path)
            assert source.tree.keys[path] == key
            assert lines[key.line - 1][key.column - 1 :].startswith(json.dumps(path[-1], ensure_ascii=False))


def test_what_stands_under_a_repeated_key_is_judged_and_dropped() -> None:
    source = Source.parse("a: {b: 1}\na: {c: 2, c: 3, d: &x 4}\ne: 5\n", "a.yaml")
    assert source.data == {"a": {"b": "1"}, "e": "5"}
    assert [f"{fault.line}:{fault.column} {fault.code}" for fault in source.faults] == [
        "2:1 duplicate-key",
        "2:11 duplicate-key",
        "2:20 anchor",
    ]
    assert source.position(("e",)) == (3, 4)
    assert source.position(("a", "b")) == (1, 8)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_refused_at_its_place_however_deep_it_goes_on(opening: str) -> None:
    with pytest.raises(FileFaults) as found:
        Source.parse(opening * 900, "a.yaml")
    (fault,) = found.value.faults
    assert (fault.code, fault.column) == ("too-deep", MAX_DEPTH * len(opening) + 1)
