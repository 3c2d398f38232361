"""Every fault code has a page, and the page's examples really pass and really fail."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agencies.registry import check_agency_file
from agencies.rule_pages import EXAMPLES, RulePage, as_text, rule_pages
from agencies.source import FileFaults

ROOT = Path(__file__).parent.parent.parent
CATEGORIES = frozenset({"roads", "roads/pothole", "roads/bridge", "roads/sign", "yards", "yards/snow", "yards/ice"})
WHOLE_FILE = "whole file"
OTHER_FILES = {"calendar", "deadline_file", "organisation_file", "reference_data", "routing_file", "territory_file"}
OTHER_FILES |= {"rubricator_file", "file_words"}
# What is said of the environment and not of a file; `okno agency check` prints it as a remark.
# And what the model refuses before an expression is read at all.
OF_THE_ENVIRONMENT = {"unset-variable", "expression-too-long"}


def codes_in(module: Path) -> Iterator[str]:
    """The codes that a module's source makes faults with."""
    place = {"Fault": 3, "fault": 1, "fault_at": 2, "_fault": 2, "_fault_at": 2, "PydanticCustomError": 0}
    place["ExpressionFault"] = 0
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            at = place.get(name)
            if at is not None and len(node.args) > at:
                code = node.args[at]
                if isinstance(code, ast.Constant) and isinstance(code.value, str) and " " not in code.value:
                    yield code.value
            yield from (
                argument.value
                for argument in node.args
                if name == "_refuse"
                and isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
                and " " not in argument.value
            )


def all_codes() -> set[str]:
    modules = [*(ROOT / "agencies").glob("*.py"), *(ROOT / "agencies" / "checks").glob("*.py")]
    modules = [one for one in modules if one.stem not in OTHER_FILES] + [ROOT / "adapters" / "expressions.py"]
    return {code for module in modules for code in codes_in(module)} - OF_THE_ENVIRONMENT


def codes_of(path: Path) -> set[str]:
    try:
        check_agency_file(path, CATEGORIES)
    except FileFaults as found:
        return {one.code for one in found.faults}
    return set()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the examples that a test may spoil."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert all_codes() - set(rule_pages()) == set()
    assert set(rule_pages()) - all_codes() - {"bad-value", "wrong-type"} == set()


@pytest.mark.parametrize(("code", "page"), rule_pages().items(), ids=lambda one: one if isinstance(one, str) else "")
def test_the_failing_example_has_exactly_this_fault_and_the_passing_one_none(
    files: Path, code: str, page: RulePage
) -> None:
    edited = files / f"{page.example}.yaml"
    checked = files / f"{page.checked_as or page.example}.yaml"
    text = edited.read_text()
    if page.at == WHOLE_FILE:
        edited.write_bytes(WHOLE_FILES[code])
        assert codes_of(checked) == {code}
        return
    assert text.count(page.at or page.passes) == 1
    edited.write_text(page.sound(text))
    assert codes_of(checked) == set()
    edited.write_text(page.spoilt(text))
    assert codes_of(checked) == {code}


WHOLE_FILES = {
    "empty": b"# only a remark\n",
    "too-large": b"# a remark\n" * 100_000,
    "byte-order-mark": b"\xef\xbb\xbfversion: 1\n",
    "not-utf-8": "version: 1 # файл".encode("windows-1251"),
}


def test_a_page_shows_what_cannot_be_seen() -> None:
    assert "timeout:→20s" in as_text("tab", rule_pages()["tab"])
