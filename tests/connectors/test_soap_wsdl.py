"""WSDLs come from the agency's own folder and from nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connectors.base import BadConnection
from connectors.soap import Kind, load_wsdl

CITY_ROADS = Path(__file__).parents[2] / "config/agencies/city-roads/cases.wsdl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shapes in a folder of its own, with something secret beside that folder."""
    (tmp_path / "secret.xsd").write_text('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>')
    return Path(shutil.copytree(Path(__file__).parent / "wsdl", tmp_path / "agency"))


def importing(folder: Path, location: str) -> str:
    wsdl = folder / "shapes.wsdl"
    wsdl.write_text(wsdl.read_text().replace('schemaLocation="shapes.xsd"', f'schemaLocation="{location}"'))
    with pytest.raises(BadConnection) as caught:
        load_wsdl(wsdl)
    return str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        "../secret.xsd",
        "parts/../../secret.xsd",
        "http://127.0.0.1:9/a.xsd",
        "https://127.0.0.1:9/a.xsd",
        "file:///etc/passwd",
        "/etc/passwd",
        "ftp://127.0.0.1/a.xsd",
        "%2e%2e/secret.xsd",
    ],
)
def test_an_import_from_outside_the_folder_is_refused_with_the_remedy(folder: Path, location: str) -> None:
    reason = importing(folder, location)
    assert "put a copy beside the WSDL" in reason
    assert "root:" not in reason


def test_a_link_that_leads_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "linked.xsd").symlink_to(folder.parent / "secret.xsd")
    assert "leads out of the folder" in importing(folder, "linked.xsd")


def test_a_missing_document_is_named(folder: Path) -> None:
    assert "absent.xsd cannot be read" in importing(folder, "absent.xsd")


def test_a_document_with_a_dtd_or_entities_is_refused(folder: Path) -> None:
    schema = folder / "shapes.xsd"
    text = schema.read_text().replace(
        "<!-- Everything", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><!-- Everything'
    )
    schema.write_text(text)
    with pytest.raises(BadConnection, match="has a DTD"):
        load_wsdl(folder / "shapes.wsdl")


@pytest.mark.parametrize(
    "content", ["", "not xml", "<a>", "<a/>", "<definitions xmlns='http://schemas.xmlsoap.org/wsdl/'/>"]
)
def test_what_is_no_wsdl_is_refused_without_its_content(tmp_path: Path, content: str) -> None:
    wsdl = tmp_path / "a.wsdl"
    wsdl.write_text(content)
    with pytest.raises(BadConnection, match=r"^wsdl: "):
        load_wsdl(wsdl)


def test_an_operation_that_refers_to_nothing_is_left_out_and_the_others_stay(folder: Path) -> None:
    wsdl = folder / "shapes.wsdl"
    wsdl.write_text(wsdl.read_text().replace('element="s:Register"', 'element="s:Absent"'))
    assert set(load_wsdl(wsdl).operations) == {"Note", "Ping", "Add"}


def test_a_wsdl_with_a_broken_schema_is_refused(folder: Path) -> None:
    schema = folder / "shapes.xsd"
    schema.write_text(schema.read_text().replace('type="s:Company"', 'type="s:Absent"'))
    with pytest.raises(BadConnection, match="cannot be understood"):
        load_wsdl(folder / "shapes.wsdl")


def test_a_wsdl_is_read_once_and_again_when_one_of_its_documents_changes(folder: Path) -> None:
    wsdl = folder / "shapes.wsdl"
    first = load_wsdl(wsdl)
    assert load_wsdl(wsdl) is first
    schema = folder / "parts/place.xsd"
    schema.write_text(schema.read_text().replace('name="Hint"', 'name="Clue"'))
    second = load_wsdl(wsdl)
    assert second is not first
    request = second.operations["Register"].request
    assert request is not None
    assert request.at("Place.Clue") is not None
    assert request.at("Place.Hint") is None


def test_the_port_is_chosen_by_version_or_by_name(wsdl_folder: Path) -> None:
    wsdl = wsdl_folder / "shapes.wsdl"
    assert set(load_wsdl(wsdl).operations) == {"Register", "Note", "Ping", "Add"}
    assert set(load_wsdl(wsdl, "1.2").operations) == {"Note"}
    assert set(load_wsdl(wsdl, "1.2", "Shapes", "New").operations) == {"Note"}
    with pytest.raises(BadConnection, match=r"it has Shapes/Old \(SOAP 1.1\), Shapes/New \(SOAP 1.2\)"):
        load_wsdl(wsdl, "1.1", port="New")
    with pytest.raises(BadConnection, match=r"no port speaks SOAP 1.2"):
        load_wsdl(CITY_ROADS, "1.2")


def test_shapes_say_what_a_file_may_name() -> None:
    operation = load_wsdl(CITY_ROADS).operations["CreateCase"]
    assert operation.action == "urn:city-roads:cases:1/CreateCase"
    assert operation.request is not None
    assert operation.reply is not None
    case = operation.request.elements["case"]
    assert [name for name, shape in case.elements.items() if shape.required] == [
        "ExternalId",
        "Subject",
        "Text",
        "Kind",
        "CreatedAt",
    ]
    assert case.elements["Latitude"].kind is Kind.NUMBER
    assert operation.reply.at("CreateCaseResult.CaseNumber") is not None
    assert operation.reply.at("CreateCaseResult.Number") is None
    found = load_wsdl(CITY_ROADS).operations["FindCases"].reply
    assert found is not None
    shape = found.at("FindCasesResult.Case.0.CaseNumber")
    assert shape is not None
    assert found.elements["FindCasesResult"].elements["Case"].repeats
