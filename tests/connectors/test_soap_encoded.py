"""rpc/encoded beside rpc/literal of one WSDL: every element says its type in the one, none in the other (Q2, Q4).

That a service of this style takes it is shown with PHP's SoapServer in tests/stacks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.soap import load_wsdl
from connectors.soap.envelope import write_envelope

ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
STYLE = "{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle"
CALL = {"id": "0412", "urgent": True, "item": {"name": "яма"}, "items": {"item": [{"name": "a"}, {"name": "b"}]}}


def sent(wsdl_folder: Path, operation: str, body: Any, **more: Any) -> etree._Element:
    """The wrapper element of what is sent."""
    wsdl = load_wsdl(wsdl_folder / "encoded.wsdl")
    root = etree.fromstring(write_envelope(wsdl, wsdl.operations[operation], "1.1", body, **more))
    wrapper = root.find("{*}Body/*")
    assert wrapper is not None
    return wrapper


def typed(node: etree._Element | None, attribute: str = XSI_TYPE) -> tuple[str | None, str]:
    """Namespace and name of the type an element says."""
    assert node is not None
    prefix, _, local = node.get(attribute, "").partition(":")
    return node.nsmap.get(prefix), local


def test_an_encoded_call_says_its_style_and_every_type(wsdl_folder: Path) -> None:
    wrapper = sent(wsdl_folder, "create", CALL)
    assert wrapper.tag == "{urn:okno:rpc}create"
    assert wrapper.get(STYLE) == ENCODING
    xs = "http://www.w3.org/2001/XMLSchema"
    assert typed(wrapper.find("id")) == (xs, "string")
    assert typed(wrapper.find("urgent")) == (xs, "boolean")
    assert typed(wrapper.find("item")) == ("urn:okno:encoded", "Item")
    assert typed(wrapper.find("item/name")) == (xs, "string")
    assert wrapper.findtext("id") == "0412"


@pytest.mark.parametrize(("items", "count"), [([{"name": "a"}, {"name": "b"}], 2), ([{"name": "a"}], 1), ([], 0)])
def test_an_encoded_array_says_what_it_holds_and_how_many(wsdl_folder: Path, items: list[Any], count: int) -> None:
    """Q5 the other way round: a list of one, and of none, is a list."""
    array = sent(wsdl_folder, "create", CALL | {"items": {"item": items}}).find("items")
    assert typed(array) == (ENCODING, "Array")
    assert typed(array, f"{{{ENCODING}}}arrayType") == ("urn:okno:encoded", f"Item[{count}]")
    assert array is not None
    assert len(array) == count


def test_a_literal_call_of_the_same_wsdl_says_neither(wsdl_folder: Path) -> None:
    wrapper = sent(wsdl_folder, "plain", CALL)
    assert not [node for node in wrapper.iter() if node.get(XSI_TYPE) or node.get(STYLE)]


def test_typed_values_of_a_literal_call_are_those_that_hold_a_value(wsdl_folder: Path) -> None:
    wrapper = sent(wsdl_folder, "plain", CALL, typed_values=True)
    assert {node.tag for node in wrapper.iter() if node.get(XSI_TYPE)} == {"id", "urgent", "name"}
    assert wrapper.get(STYLE) is None
