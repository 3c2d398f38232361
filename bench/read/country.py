"""A country to measure in: 300 territories and 2 000 organisations in a tree, as a config folder that the gateway reads like any other.

The house's own rubricator, routes, deadlines and agencies are taken over; territories and organisations are made up beside the house's own.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.ground import CONFIG

ROOT = "country"
"""The organisation above all others that were made up."""
_REGIONS = 7
_MUNICIPALITIES = 32  # in each region; with the house's own territories about 300
_MINISTRIES = 18  # in each region
_BELOW_A_MINISTRY = 15
_FIELDS = ("дорог", "здравоохранения", "образования", "жилья", "экологии", "транспорта", "связи", "спорта", "культуры")


@dataclass(frozen=True, slots=True)
class Body:
    """One organisation that was made up: its code, and the territories its messages lie in."""

    code: str
    territories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """What messages can name. `bodies` are in the tree's order, the root first."""

    bodies: tuple[Body, ...]
    organisations: tuple[dict[str, object], ...]
    territories: tuple[dict[str, object], ...]


def make_country() -> Country:
    """The same country every time."""
    bodies = [Body(ROOT, ("90000000",))]
    organisations = [_organisation(ROOT, None, "90000000", "government", "federal", "Правительство страны")]
    territories: list[dict[str, object]] = [_territory("90000000", None, "Столичный край")]
    for region in range(1, _REGIONS + 1):
        code = f"{90 + region}000000"
        inside = tuple(f"{90 + region}{600 + number}000" for number in range(1, _MUNICIPALITIES + 1))
        territories.append(_territory(code, None, f"Край {region}"))
        territories += [_territory(one, code, f"Район {place} края {region}") for place, one in enumerate(inside, 1)]
        government = f"government-{region}"
        bodies.append(Body(government, inside))
        organisations.append(
            _organisation(government, ROOT, code, "government", "regional", f"Правительство края {region}")
        )
        for ministry in range(1, _MINISTRIES + 1):
            field = _FIELDS[ministry % len(_FIELDS)]
            above = f"ministry-{region}-{ministry}"
            bodies.append(Body(above, inside))
            organisations.append(
                _organisation(above, government, code, "executive-body", "regional", f"Министерство {field} {ministry}")
            )
            for number in range(1, _BELOW_A_MINISTRY + 1):
                one, place = f"office-{region}-{ministry}-{number}", inside[(ministry * 7 + number) % len(inside)]
                bodies.append(Body(one, (place,)))
                name = f"Служба {field} {ministry}-{number}"
                organisations.append(_organisation(one, above, place, "budget-institution", "subordinate", name))
    return Country(tuple(bodies), tuple(organisations), tuple(territories))


def write_config(folder: Path, country: Country) -> None:
    """The config folder of the country; what was there is replaced."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(CONFIG, folder)
    # YAML reads JSON in flow style: one line for each entry.
    _append(folder / "organisations.yaml", country.organisations)
    _append(folder / "territories" / "territories.yaml", country.territories)


def _append(path: Path, entries: tuple[dict[str, object], ...]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"  - {json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)


def _organisation(code: str, parent: str | None, territory: str, kind: str, level: str, name: str) -> dict[str, object]:
    above = {} if parent is None else {"parent": parent}
    words = {"ru": name, "en": code.replace("-", " ").capitalize()}
    rest = {"name": words, "kind": kind, "level": level, "territory": territory, "timezone": "Europe/Moscow"}
    return {"code": code, **rest, **above}


def _territory(code: str, parent: str | None, name: str) -> dict[str, object]:
    kind = "region" if parent is None else "municipal-district"
    above = {} if parent is None else {"parent": parent}
    words = {"ru": name, "en": f"Territory {code}"}
    return {"code": code, "name": words, "kind": kind, "point": [60.0, 90.0], "source": "memory", **above}
