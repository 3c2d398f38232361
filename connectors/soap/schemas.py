"""The schemas of a WSDL, to judge replies by: values and all, where the agency's file asks for it (`validate_replies`).

Everything comes from the agency's folder. The words name elements and rules, never values.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from threading import Lock
from typing import Any, Final

from lxml import etree

from connectors.base import BadConnection
from connectors.soap.folder import AgencyFolder

_XS: Final = "http://www.w3.org/2001/XMLSchema"
_WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
_INLINE: Final = "okno-inline:"
_MOST_WSDLS: Final = 50
_ELEMENT: Final = re.compile(r"Element '(?:\{[^}]*\})?([^']{1,100})'")


class Schemas:
    """All schemas of one WSDL. Safe for several threads."""

    def __init__(self, wsdl: Path) -> None:
        """Reads them. Raises BadConnection with the remedy."""
        self._folder = AgencyFolder(wsdl)
        self._inline: dict[str, bytes] = {}
        self._lock = Lock()
        self._refused: list[BadConnection] = []
        try:
            self._schema = etree.XMLSchema(self._whole())
        except etree.XMLSchemaParseError as error:
            if self._refused:
                raise self._refused[0] from error
            text = f"validate_replies: the schemas of {wsdl.name} cannot be understood (line {error.error_log[0].line})"
            raise BadConnection(f"{text}; check them with the agency, or leave the key out") from error

    def contradiction(self, node: etree._Element) -> str | None:
        """The first rule that `node` breaks, and where; None when there is none."""
        with self._lock:
            if self._schema.validate(node):
                return None
            log: Any = self._schema.error_log
            first = log[0]
            return f"{_named(first.message)} breaks the schema ({first.type_name.removeprefix('SCHEMAV_').lower()})"

    def _whole(self) -> etree._Element:
        """One schema that brings in all others, those of one namespace together."""
        by_namespace: dict[str, list[str]] = defaultdict(list)
        for number, (base, schema) in enumerate(self._schemas()):
            self._inline[f"{_INLINE}{number}"] = etree.tostring(schema)
            self._bases[f"{_INLINE}{number}"] = base
            by_namespace[schema.get("targetNamespace", "")].append(f"{_INLINE}{number}")
        lines = []
        for number, (namespace, places) in enumerate(by_namespace.items()):
            target = f' targetNamespace="{namespace}"' if namespace else ""
            includes = "".join(f'<s:include schemaLocation="{place}"/>' for place in places)
            together = f"{_INLINE}all{number}"
            self._inline[together] = f'<s:schema xmlns:s="{_XS}"{target}>{includes}</s:schema>'.encode()
            named = f' namespace="{namespace}"' if namespace else ""
            lines.append(f'<s:import{named} schemaLocation="{together}"/>')
        text = f'<s:schema xmlns:s="{_XS}" targetNamespace="urn:okno:all">{"".join(lines)}</s:schema>'
        return etree.fromstring(text.encode(), self._parser())

    def _schemas(self) -> list[tuple[str, etree._Element]]:
        """Every schema that stands in the WSDL, or in one it imports, with the place its own imports are meant from."""
        self._bases: dict[str, str] = {}
        found: list[tuple[str, etree._Element]] = []
        waiting, seen = [self._folder.root], set[str]()
        while waiting:
            place = waiting.pop()
            if place in seen or len(seen) > _MOST_WSDLS:
                continue
            seen.add(place)
            root = etree.fromstring(self._folder.load(place), _plain_parser())
            found += [(place, schema) for schema in root.iterfind(f"{{{_WSDL}}}types/{{{_XS}}}schema")]
            imports = (one.get("location") for one in root.iterfind(f"{{{_WSDL}}}import"))
            waiting += [str(Path(place).parent / location) for location in imports if location]
        return found

    def _parser(self) -> etree.XMLParser:
        parser = _plain_parser()
        parser.resolvers.add(_InFolder(self._folder, self._inline, self._bases, self._refused))
        return parser


class _InFolder(etree.Resolver):
    """Finds a schema in the WSDL or in the agency's folder, and nowhere else."""

    def __init__(
        self, folder: AgencyFolder, inline: dict[str, bytes], bases: dict[str, str], refused: list[BadConnection]
    ) -> None:
        self._folder = folder
        self._inline = inline
        self._bases = bases
        self._refused = refused

    def resolve(self, system_url: str, public_id: str, context: object = None) -> Any:  # noqa: ANN401 - lxml's own
        """lxml asks for a document by its address; one outside the folder is kept among the refused."""
        if system_url in self._inline:
            base = self._bases.get(system_url, self._folder.root)
            return self.resolve_string(self._inline[system_url], context, base_url=base)
        try:
            content = self._folder.load(system_url)
        except BadConnection as error:
            # libxml2 forgets why; an empty document ends it there.
            self._refused.append(error)
            content = b""
        return self.resolve_string(content, context, base_url=system_url)


def _plain_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _named(message: str) -> str:
    """The element of libxml2's words, which may go on with its value."""
    found = _ELEMENT.match(message)
    return found[1] if found is not None else "an element"
