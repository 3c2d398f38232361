"""`config/organisations.yaml`: its shape, and the `Organisations` it means.

Promises: every code is used once, every parent, territory and time zone is known, and a fault says where.
"""

from __future__ import annotations

import pathlib
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field

from agencies.file_words import BilingualFile, Oktmo, Slug
from agencies.source import Fault, FileFaults, FileModel, Path, Source, did_you_mean
from domain.organisation import Organisation, OrganisationKind, OrganisationLevel, Organisations
from domain.territory import Territories


class OrganisationFile(FileModel):
    """One organisation."""

    code: Slug
    name: BilingualFile
    kind: OrganisationKind
    level: OrganisationLevel
    parent: Slug | None = None
    territory: Oktmo
    timezone: str


class OrganisationsFile(FileModel):
    """The whole file; a parent stands above its subordinates."""

    organisations: Annotated[tuple[OrganisationFile, ...], Field(min_length=1)]


def load_organisations(path: pathlib.Path, territories: Territories) -> Organisations:
    """The organisations; a territory's alias becomes its code. Raises `FileFaults`."""
    source = Source.read(path)
    file = source.typed(OrganisationsFile)
    above: set[str] = set()
    zones = available_timezones()
    faults: list[Fault] = []
    for place, organisation in enumerate(file.organisations):
        faults += _faults(source, ("organisations", place), organisation, above, territories, zones)
        above.add(organisation.code)
    if faults:
        raise FileFaults(faults)
    return Organisations(tuple(_organisation(organisation, territories) for organisation in file.organisations))


def _faults(
    source: Source, at: Path, organisation: OrganisationFile, above: set[str], territories: Territories, zones: set[str]
) -> list[Fault]:
    faults: list[Fault] = []
    code, parent, zone = organisation.code, organisation.parent, organisation.timezone
    if code in above:
        faults.append(source.fault((*at, "code"), "repeated-code", f"`{code}` is the code of an organisation above"))
    if parent is not None and parent not in above:
        text = f"no organisation above has the code `{parent}`.{did_you_mean(parent, above)}"
        faults.append(source.fault((*at, "parent"), "unknown-organisation", text))
    if territories.resolve(organisation.territory) is None:
        faults.append(unknown_territory(source, (*at, "territory"), organisation.territory, territories))
    if zone not in zones:
        text = f"is not a time zone name.{did_you_mean(zone, zones)}"
        faults.append(source.fault((*at, "timezone"), "unknown-timezone", text))
    return faults


def unknown_territory(source: Source, path: Path, code: str, territories: Territories) -> Fault:
    """The fault of a territory code that `territories.yaml` does not have."""
    near = did_you_mean(code, (known for one in territories for known in (one.code, *one.aliases)))
    return source.fault(path, "unknown-territory", f"territories.yaml has no {code}.{near}")


def _organisation(file: OrganisationFile, territories: Territories) -> Organisation:
    return Organisation(
        file.code,
        file.name.bilingual(),
        file.kind,
        file.level,
        file.parent,
        territories.resolve(file.territory) or file.territory,
        file.timezone,
    )
