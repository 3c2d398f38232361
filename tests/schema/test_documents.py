"""Documents are read from files, tables and folders, and their faults are told where they stand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from graphql import build_schema

from schema.check.documents import UnreadableDocuments, invalid_documents, read_documents, table_of

SCHEMA = build_schema("type Query { a: Int }")


def test_a_folder_gives_its_files_and_its_tables(tmp_path: Path) -> None:
    (tmp_path / "one.graphql").write_text("# One.\n{ a }\n")
    (tmp_path / "persisted-documents.json").write_text(json.dumps({"sha256:1": "{ a }", "2": "{ a: a }"}, indent=1))
    found = read_documents([tmp_path])
    assert [(Path(one.file).name, one.line) for one in found] == [
        ("one.graphql", 1),
        ("persisted-documents.json", 2),
        ("persisted-documents.json", 3),
    ]
    assert invalid_documents(SCHEMA, found) == []


def test_a_fault_is_told_at_its_line_in_a_file_and_at_its_entry_in_a_table(tmp_path: Path) -> None:
    (tmp_path / "one.graphql").write_text("# One.\n{\n  a\n  b\n}\n")
    (tmp_path / "table.json").write_text(json.dumps({"1": "{ a }", "2": "{\n\n b }", "3": "{"}, indent=1))
    told = [
        str(finding).removeprefix(f"{tmp_path}/") for finding in invalid_documents(SCHEMA, read_documents([tmp_path]))
    ]
    assert [line.partition(" error:")[0] for line in told] == ["one.graphql:4:", "table.json:3:", "table.json:4:"]
    assert "Cannot query field 'b' on type 'Query'." in told[0]


def test_a_manifest_of_apollos_is_a_table_too(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": 1,\n"operations": [\n{"id": "1", "body": "{ b }"}\n]}')
    (finding,) = invalid_documents(SCHEMA, read_documents([tmp_path]))
    assert finding.place == f"{tmp_path}/manifest.json:3"


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', "null"])
def test_a_table_that_is_none_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(UnreadableDocuments, match=r"table\.json: is no table of documents"):
        read_documents([tmp_path])


def test_the_id_of_a_document_is_the_digest_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "one.graphql"
    path.write_text("# Ещё.\n{ a }\n", encoding="utf-8")
    table = json.loads(table_of(tmp_path))
    assert table == {f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}": "# Ещё.\n{ a }\n"}
