"""Documents people read: their links lead somewhere, and their lists miss nothing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "bench").glob("*.md"),
    *(ROOT / "config").rglob("*.md"),
]
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_NAMED_FILE = re.compile(
    r"`((?:gateway|schema|domain|store|delivery|agencies|adapters|connectors|cli|config|tests)/[\w./-]+\.\w+)"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_every_file_named_in_a_document_exists(document: Path) -> None:
    text = document.read_text()
    missing = [link for link in _LINK.findall(text) if not (document.parent / link).exists()]
    missing += [name for name in _NAMED_FILE.findall(text) if "<" not in name and not (ROOT / name).exists()]
    assert missing == []


def test_every_dependency_has_a_line_that_says_what_it_spares_us() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=~!]", requirement)[0] for requirement in project["dependencies"]}
    text = (ROOT / "docs" / "decisions" / "dependencies.md").read_text()
    told = {name for cell in re.findall(r"^\| ([\w, -]+) \|", text, re.MULTILINE) for name in cell.split(", ")}
    assert names - told == set()
    assert told - names - {"library"} == set()


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    assert [
        path.name for path in folder.glob("*.md") if path.name != "README.md" and f"({path.name})" not in listed
    ] == []
