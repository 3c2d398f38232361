"""The portal's operations: each says what it is for, fits the schema, is a tab of GraphiQL, and is in the table of trusted documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from schema.check.documents import TABLE_NAME, table_of
from schema.export import OPERATIONS, schema_text
from store.home import PROJECT

FILES = sorted(OPERATIONS.glob("*.graphql"))
TABS = PROJECT / "portal" / "graphiql" / "tabs.js"
WITHOUT_TAB = {"upload-a-file"}
"""GraphiQL cannot attach a file."""
_each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@_each
def test_an_operation_begins_with_what_it_is_for(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"# [A-Z].{15,}[.]", first), first


@_each
def test_a_file_holds_one_operation_named_after_it(path: Path) -> None:
    operations = parse(path.read_text(encoding="utf-8")).definitions
    assert len(operations) == 1
    assert isinstance(operations[0], OperationDefinitionNode)
    assert operations[0].name is not None
    words = re.findall(r"[A-Z][a-z]*", operations[0].name.value)
    assert "-".join(words).lower() == path.stem


def test_every_operation_fits_the_schema() -> None:
    schema = build_schema(schema_text())
    faults = {path.stem: validate(schema, parse(path.read_text(encoding="utf-8"))) for path in FILES}
    assert {name: [one.message for one in found] for name, found in faults.items() if found} == {}


def test_every_operation_is_a_tab_of_graphiql() -> None:
    text = TABS.read_text(encoding="utf-8")
    imported = dict(re.findall(r"import (\w+) from '\.\./operations/([\w-]+)\.graphql';", text))
    assert sorted(imported.values()) == sorted({path.stem for path in FILES} - WITHOUT_TAB)
    assert [name for name in imported if f"query: {name}," not in text] == []


def test_the_table_of_trusted_documents_is_that_of_the_files() -> None:
    written = (OPERATIONS / TABLE_NAME).read_text(encoding="utf-8")
    assert written == table_of(OPERATIONS), (
        "write it anew: python -m schema.export documents > portal/operations/persisted-documents.json"
    )
