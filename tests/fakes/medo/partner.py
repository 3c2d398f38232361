"""The partner of the exchange: everything it does, it does in the folder."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

SPACE = "http://www.infpres.com/IEDMS"
_X = {"x": SPACE}
US = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Taken:
    """A packet of ours, as the partner fetched it."""

    name: str
    files: dict[str, bytes]

    @property
    def document(self) -> etree._Element:
        """The root of its document."""
        return etree.fromstring(self.files["document.xml"])

    def text(self, path: str) -> str:
        """The text of an element, by a path with the prefix `x`."""
        return str(self.document.findtext(path, "", _X))

    def value(self, path: str, name: str) -> str:
        """A qualified attribute of an element."""
        found = self.document.find(path, _X) if path else self.document
        return "" if found is None else str(found.get(f"{{{SPACE}}}{name}", ""))


class Partner:
    """The other side of the folder at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._number = 0
        for name in ("out", "in", "archive"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def takes(self) -> list[Taken]:
        """Fetch every packet that has its final name, as a transport does: what it took is gone from `out`."""
        taken = []
        for path in sorted((self.root / "out").iterdir()):
            if path.name.startswith("."):
                continue
            taken.append(Taken(path.name, {one.name: one.read_bytes() for one in path.iterdir()}))
            fetched = self.root / "fetched" / path.name
            fetched.parent.mkdir(exist_ok=True)
            path.rename(fetched)
        return taken

    def receipt(self, of: Taken, *, accepted: bool = True, algorithm: str | None = "SHA-256", spoiled: str = "") -> str:
        """A receipt with the hashes of what came; `spoiled` names a file that came broken."""
        items = "".join(
            f"<xdms:item><xdms:name>{escape(name)}</xdms:name>"
            f"<xdms:code>{hashlib.sha256(content if name != spoiled else b'broken').hexdigest().upper()}</xdms:code></xdms:item>"
            for name, content in of.files.items()
        )
        named = f" xdms:algorithm={quoteattr(algorithm)}" if algorithm is not None else ""
        said = (
            f'<xdms:acknowledgment xdms:uid="{of.value("x:header", "uid").upper()}"><xdms:time>2026-03-02T12:00:00</xdms:time>'
            f"<xdms:accepted>{'true' if accepted else 'false'}</xdms:accepted>"
            f"<xdms:hashCodes{named}>{items}</xdms:hashCodes></xdms:acknowledgment>"
        )
        return self.put("Квитанция", said)

    def notify(self, uid: str, kind: str, inside: str) -> str:
        """A notification of a kind about our document."""
        said = f'<xdms:notification xdms:type="{kind}" xdms:uid="{uid.upper()}">{inside}</xdms:notification>'
        return self.put("Уведомление", said)

    def answer(self, uid: str, text: str, files: dict[str, bytes] | None = None, *, without: str = "") -> str:
        """A document of theirs in answer to ours; `without` names a listed file that is not put there."""
        files = files or {}
        listed = "".join(
            f"<xdms:file xdms:localName={quoteattr(name)}><xdms:group>Текст документа</xdms:group></xdms:file>"
            for name in files
        )
        said = (
            '<xdms:document xdms:uid="99999999-0000-0000-0000-000000000001"><xdms:num><xdms:number>01-02/7</xdms:number></xdms:num>'
            f"<xdms:annotation>{escape(text)}</xdms:annotation>"
            f'<xdms:links><xdms:link xdms:uid="{uid}"><xdms:linkType>В ответ на</xdms:linkType></xdms:link></xdms:links>'
            f"</xdms:document><xdms:files>{listed}</xdms:files>"
        )
        return self.put("Документ", said, {name: content for name, content in files.items() if name != without})

    def put(self, kind: str, said: str, files: dict[str, bytes] | None = None) -> str:
        """A packet with this content; returns its name."""
        self._number += 1
        uid = f"00000000-0000-0000-0000-{self._number:012}"
        text = (
            '<?xml version="1.0" encoding="windows-1251"?>\n'
            f'<xdms:communication xdms:version="2.6" xmlns:xdms="{SPACE}">'
            f'<xdms:header xdms:type="{kind}" xdms:uid="{uid}" xdms:created="2026-03-02T12:00:00">'
            f'<xdms:source xdms:uid="{US}"><xdms:organization>Северная управа</xdms:organization></xdms:source></xdms:header>'
            f"{said}</xdms:communication>"
        )
        return self.drop(f"пакет {self._number}", {"document.xml": text.encode("windows-1251"), **(files or {})})

    def drop(self, name: str, files: dict[str, bytes], *, age_s: float = 60.0) -> str:
        """Put files as they are, last changed `age_s` ago."""
        place = self.root / "in" / name
        place.mkdir()
        moment = time.time() - age_s
        for file, content in files.items():
            (place / file).write_bytes(content)
            os.utime(place / file, (moment, moment))
        os.utime(place, (moment, moment))
        return name
