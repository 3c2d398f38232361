"""The YAML loader: strings stay strings, faults say where they are, and YAML's surprises are refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from agencies.source import FileFaults, FileModel, Source, load


class Each(FileModel):
    each: str
    send: dict[str, str]


class Submit(FileModel):
    operation: str
    when_answer_is_lost: Literal["resend", "look-up", "ask-a-person"] = "look-up"
    send: dict[str, str | Each] = Field(default_factory=dict)

    @field_validator("operation")
    @classmethod
    def _known_operation(cls, name: str) -> str:
        if name == "Forbidden":
            raise PydanticCustomError("unknown-operation", "the WSDL has no such operation")
        return name


class Agency(FileModel):
    code: str
    at_once: int = 1
    open: bool = False
    since: date | None = None
    submit: Submit | None = None
    steps: tuple[Submit, ...] = ()


def faults_of(text: str) -> list[str]:
    """The faults of a text as `line:column code`."""
    with pytest.raises(FileFaults) as raised:
        Source.parse(text, "agency.yaml").typed(Agency)
    return [f"{fault.line}:{fault.column} {fault.code}" for fault in raised.value.faults]


def words_of(text: str) -> str:
    with pytest.raises(FileFaults) as raised:
        Source.parse(text, "agency.yaml").typed(Agency)
    return str(raised.value)


def test_every_scalar_is_text_until_the_model_types_it() -> None:
    source = Source.parse("code: 0412\nsubmit: {operation: NO}\nat_once: 3\nopen: yes\nsince: 2026-01-31\n", "a.yaml")
    assert source.data == {
        "code": "0412",
        "submit": {"operation": "NO"},
        "at_once": "3",
        "open": "yes",
        "since": "2026-01-31",
    }
    agency = source.typed(Agency)
    assert agency.code == "0412"
    assert agency.submit == Submit(operation="NO")
    assert (agency.at_once, agency.open, agency.since) == (3, True, date(2026, 1, 31))


@pytest.mark.parametrize("scalar", ["0412", "NO", "1e3", "0x1F", "1:30", "~", "null", "1_000", "2026-01-31", ".inf"])
def test_what_yaml_would_interpret_stays_as_written(scalar: str) -> None:
    assert Source.parse(f"code: {scalar}\n", "a.yaml").typed(Agency).code == scalar


def test_a_fault_reads_as_file_line_column_code_and_text() -> None:
    assert words_of("code: a\nat_once: many\n") == "agency.yaml:2:10 wrong-type `at_once` must be a whole number"


def test_one_pass_reports_every_fault_in_reading_order() -> None:
    text = (
        "coed: a\n"  # 1: unknown key, and `code` is missing
        "at_once: many\n"
        "open: perhaps\n"
        "since: 2026-13-01\n"
        "submit:\n"
        "  operaton: Create\n"
        "  when_answer_is_lost: lookup\n"
        "steps:\n"
        "  - operation: A\n"
        "    zzz: 1\n"
        "  - text\n"
    )
    assert faults_of(text) == [
        "1:1 missing-key",
        "1:1 unknown-key",
        "2:10 wrong-type",
        "3:7 wrong-type",
        "4:8 wrong-type",
        "6:3 missing-key",
        "6:3 unknown-key",
        "7:24 bad-value",
        "10:5 unknown-key",
        "11:5 wrong-type",
    ]


def test_an_unknown_key_names_the_key_that_was_meant() -> None:
    assert "`submit.operaton` is not a key here. Did you mean `operation`?" in words_of(
        "code: a\nsubmit: {operation: A, operaton: B}\n"
    )


def test_a_key_unlike_all_others_lists_the_known_ones() -> None:
    assert "Known: `operation`, `send`, `when_answer_is_lost`." in words_of("code: a\nsubmit: {operation: A, qqq: B}\n")


def test_a_value_outside_the_choices_names_the_choices_and_the_nearest() -> None:
    words = words_of("code: a\nsubmit: {operation: A, when_answer_is_lost: look_up}\n")
    assert "must be one of `resend`, `look-up`, `ask-a-person`. Did you mean `look-up`?" in words


def test_a_union_complains_only_about_the_branch_the_author_chose() -> None:
    assert faults_of("code: a\nsubmit:\n  operation: A\n  send:\n    Photo: {each: x, sned: {}}\n") == [
        "5:12 missing-key",
        "5:22 unknown-key",
    ]


def test_a_value_that_fits_no_branch_of_a_union_is_one_fault() -> None:
    words = words_of("code: a\nsubmit:\n  operation: A\n  send: {Photo: [1]}\n")
    assert words == "agency.yaml:4:17 wrong-type `submit.send.Photo` must be text or a mapping of keys"


def test_a_check_of_the_model_can_name_its_own_code() -> None:
    words = words_of("code: a\nsubmit: {operation: Forbidden}\n")
    assert words == "agency.yaml:2:21 unknown-operation `submit.operation`: the WSDL has no such operation"


def test_columns_count_characters_not_bytes() -> None:
    assert faults_of('{"code": "ёж и уж", at_once: много}') == ["1:30 wrong-type"]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("code: a\ncode: b\n", ["2:1 duplicate-key"]),
        ("code: &x a\n", ["1:7 anchor"]),
        ("code: &x a\nsubmit: {operation: *x}\n", ["1:7 anchor", "2:21 alias"]),
        ("code: !!str a\n", ["1:7 tag"]),
        ("code: a\nsubmit: !thing {operation: b}\n", ["2:9 tag"]),
        ("%YAML 1.1\n---\ncode: a\n", ["1:1 directive"]),
        ("code: a\n---\ncode: b\n", ["2:1 several-documents"]),
        ("code: a\nsubmit:\n\toperation: b\n", ["3:1 tab"]),
        ("code: a\x07b\n", ["1:8 bad-character"]),
        ('code: "a\\0b"\n', ["1:7 bad-character"]),
        ("", ["1:1 empty"]),
        ("# only a comment\n", ["1:1 empty"]),
        ("just text\n", ["1:1 wrong-type"]),
        ("- a\n", ["1:1 wrong-type"]),
        ("? [a]\n: b\n", ["1:3 bad-key"]),
        ("code: a: b\n", ["1:8 not-yaml"]),
        ("code: @x\n", ["1:7 not-yaml"]),
        ("code: 'a\n", ["2:1 not-yaml"]),
        ("code: " + "[" * 60, ["1:46 too-deep"]),
    ],
)
def test_what_makes_yaml_surprising_is_refused_at_its_place(text: str, faults: list[str]) -> None:
    assert faults_of(text) == faults


def test_forty_levels_are_still_read() -> None:
    deep = "[" * 39 + "]" * 39
    with pytest.raises(FileFaults) as raised:
        Source.parse(f"code: {deep}", "a.yaml").typed(Agency)
    assert [fault.code for fault in raised.value.faults] == ["wrong-type"]


def test_faults_of_the_yaml_and_of_the_model_come_together() -> None:
    assert faults_of("code: &x a\nat_once: many\n") == ["1:7 anchor", "2:10 wrong-type"]


def test_a_pasted_secret_is_not_repeated_in_a_fault() -> None:
    assert "hunter2" not in words_of("code: a\nat_once: hunter2\nopen: hunter2\nsubmit: hunter2\n")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"\xef\xbb\xbfcode: a\n", "1:1 byte-order-mark"),
        ("code: a\nname: ёж".encode() + b"\xff\n", "2:9 not-utf-8"),
        ("code: ёж\n".encode("cp1251"), "1:7 not-utf-8"),
        (b"a" * 1_000_001, "1:1 too-large"),
    ],
)
def test_bytes_that_are_not_a_plain_utf_8_file_are_refused(tmp_path: Path, raw: bytes, fault: str) -> None:
    path = tmp_path / "agency.yaml"
    path.write_bytes(raw)
    with pytest.raises(FileFaults) as raised:
        load(path, Agency)
    (only,) = raised.value.faults
    assert f"{only.line}:{only.column} {only.code}" == fault
    assert only.file == str(path)


def test_a_file_that_is_not_there_is_a_fault_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileFaults, match="unreadable"):
        load(tmp_path / "absent.yaml", Agency)


def test_a_caller_finds_where_a_path_is_written() -> None:
    source = Source.parse("code: a\nsubmit:\n  operation: A\n  send:\n    case.Kind: message.category\n", "a.yaml")
    path = ("submit", "send", "case.Kind")
    assert source.position(path) == (5, 16)
    assert source.key_position(path) == (5, 5)
    assert source.position(("submit", "send", "case.Absent")) == (5, 5)  # the mapping that should have it
    assert source.at(path) == "message.category"
    fault = source.fault(path, "unknown-element", "the WSDL has no `case.Kind`")
    assert str(fault) == "a.yaml:5:16 unknown-element `submit.send.case.Kind`: the WSDL has no `case.Kind`"


def test_a_flood_of_faults_is_bounded() -> None:
    with pytest.raises(FileFaults) as raised:
        Source.parse("a:\tb\n" * 5_000, "a.yaml")
    assert len(raised.value.faults) == 200
