"""References inside a reply (`href="#id"`) are followed, and cannot be made to multiply without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import Tree, Unreadable
from connectors.soap.reply import read_envelope
from connectors.soap.wsdl import Operation, load_wsdl


@pytest.fixture(scope="module")
def operation(config_folder: Path) -> Operation:
    return load_wsdl(config_folder / "agencies" / "city-roads" / "cases.wsdl").operations["GetCase"]


def _read(operation: Operation, inside: str) -> Tree:
    envelope = f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{inside}</e:Body></e:Envelope>'
    return read_envelope(envelope.encode(), "text/xml", operation).tree


def test_content_beside_the_answer_is_put_where_it_is_referred_to(operation: Operation) -> None:
    """Axis 1 writes every structure as a `multiRef` after the answer, and these refer to each other."""
    tree = _read(
        operation,
        '<r><case href="#id0"/><again href="#id0"/></r><multiRef id="id0"><number>7</number><office href="#id1"/></multiRef>'
        '<multiRef id="id1"><name>South</name></multiRef>',
    )
    case = {"number": "7", "office": {"name": "South"}}
    assert tree == {"case": case, "again": case}


def test_what_refers_to_itself_or_to_nothing_stays_empty(operation: Operation) -> None:
    tree = _read(operation, '<r><a href="#nothing"/><b href="#c"/></r><x id="c"><d href="#c"/></x>')
    assert tree == {"a": "", "b": {"d": ""}}


def test_references_that_multiply_each_other_are_refused(operation: Operation) -> None:
    levels = "".join(f'<m id="l{level}">{f"""<i href="#l{level + 1}"/>""" * 10}</m>' for level in range(9))
    with pytest.raises(Unreadable, match="beyond all bounds"):
        _read(operation, f'<r><a href="#l0"/></r>{levels}<m id="l9">x</m>')


def test_a_chain_of_references_too_long_to_be_honest_is_refused(operation: Operation) -> None:
    chain = "".join(f'<m id="l{level}"><i href="#l{level + 1}"/></m>' for level in range(100))
    with pytest.raises(Unreadable, match="too deeply"):
        _read(operation, f'<r><a href="#l0"/></r>{chain}<m id="l100">x</m>')
