"""Serves the WSDL and what it imports from the agency's own folder, and from nowhere else.

zeep asks its transport for every document; this transport opens only files inside one folder. Nothing is ever fetched from the net, no
path leads out of the folder (links neither), and a document with a DTD is refused before zeep sees it.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import etree

from connectors.base import BadConnection
from connectors.soap import encoding

_LARGEST_DOCUMENT_BYTES = 8 * 1024 * 1024
_MOST_DOCUMENTS = 200


class AgencyFolder:
    """The documents of one WSDL. Has the two members that zeep asks of a transport while it loads."""

    def __init__(self, wsdl: Path) -> None:
        """`wsdl` is the root document; its folder is the border."""
        self._root = wsdl.resolve()
        self._folder = self._root.parent
        self.digests: dict[Path, str] = {}

    @property
    def root(self) -> str:
        """The root document as zeep wants it named."""
        return str(self._root)

    def load(self, location: str) -> bytes:
        """The document at a location that zeep has made absolute. Raises BadConnection with the remedy."""
        if location == encoding.ENCODING:
            return encoding.schema()
        path = self._inside(location)
        if len(self.digests) >= _MOST_DOCUMENTS:
            raise BadConnection(f"wsdl: more than {_MOST_DOCUMENTS} documents are imported")
        try:
            size_bytes = path.stat().st_size
            content = path.read_bytes() if size_bytes <= _LARGEST_DOCUMENT_BYTES else b""
        except OSError as error:
            raise BadConnection(
                f"wsdl: {path.name} cannot be read ({error.strerror}); put a copy beside the WSDL"
            ) from error
        if size_bytes > _LARGEST_DOCUMENT_BYTES:
            raise BadConnection(f"wsdl: {path.name} is larger than {_LARGEST_DOCUMENT_BYTES} bytes")
        _refuse_dtd(content, path.name)
        self.digests[path] = sha256(content).hexdigest()
        return content

    def _inside(self, location: str) -> Path:
        scheme = urlsplit(location).scheme
        if scheme:
            raise BadConnection(
                f"wsdl: {location!r} is imported from outside; put a copy beside the WSDL and make the import relative"
            )
        path = Path(unquote(location)).resolve()
        if not path.is_relative_to(self._folder):
            raise BadConnection(
                f"wsdl: an import leads out of the folder ({Path(location).name!r}); put a copy beside the WSDL"
            )
        return path


def _refuse_dtd(content: bytes, name: str) -> None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(content, parser).getroottree()
    except etree.XMLSyntaxError as error:
        raise BadConnection(f"wsdl: {name} is not well-formed XML (line {error.lineno})") from error
    if tree.docinfo.internalDTD is not None:
        raise BadConnection(f"wsdl: {name} has a DTD (<!DOCTYPE …>); remove it")
