"""The office: everything it does, it does in the folder."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

SPACE = "http://www.eos.ru/2010/sev"


class Office:
    """The other side of the folder at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._number = 0
        for name in ("out", "in", "archive"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def takes(self) -> list[dict[str, bytes]]:
        """Fetch every packet: files by name."""
        taken = []
        for path in sorted((self.root / "out").glob("*.zip")):
            with zipfile.ZipFile(path) as archive:
                taken.append({name: archive.read(name) for name in archive.namelist()})
            path.unlink()
        return taken

    @staticmethod
    def card(packet: dict[str, bytes]) -> etree._Element:
        """The registration card of a packet."""
        return etree.fromstring(packet["DocInfo.xml"])

    def reports(self, uid: str, inside: str, annotation: str = "") -> str:
        """A notification about our document; returns the identifier of the message."""
        self._number += 1
        message_id = f"report-{self._number}"
        documents = (
            f'<DocumentList><Document UID="theirs"><Annotation>{escape(annotation)}</Annotation></Document></DocumentList>'
            if annotation
            else ""
        )
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><Report xmlns="{SPACE}">'
            f'<Header MessageType="Report" MessageID="{message_id}" Time="2026-03-02T12:00:0{self._number}" Version="1.0"/>'
            f'<Notification><InitialDoc UID="{uid}"><Number>26-0001-2345-8</Number></InitialDoc>{inside}</Notification>'
            f"{documents}</Report>"
        )
        path = self.root / "in" / f"{self._number}.xml"
        path.write_bytes(text.encode())
        moment = time.time() - 60
        os.utime(path, (moment, moment))
        return message_id
