"""Are the answers equal? The contestants' answers brought to one shape and compared, before anything is measured.

What is allowed to differ: the opaque form of ids and cursors, and how a moment is written. What a contestant leaves to its client (a name to put in
its place, a list to turn round) is done here, and costs that contestant nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from typing import Any

from domain.status import Status

Json = Any
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)")
_DIGITS = 6
_LATENESS = ("answeredInTime", "answeredLate", "openInTime", "openNear", "openLate")


def normal(body: bytes) -> Json:
    """The `data` of an answer in the common shape. Raises ValueError for an answer with errors."""
    answer = json.loads(body)
    if answer.get("errors"):
        raise ValueError(f"an answer with errors: {json.dumps(answer['errors'], ensure_ascii=False)[:1000]}")
    return _with_statistics(_shape(answer["data"]))


def differences(one: Json, other: Json, path: str = "") -> list[str]:
    """Where two answers in the common shape differ, in words; empty for equal ones."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = list(dict.fromkeys([*one, *other]))
        missing = "(nothing)"
        return [
            line
            for name in names
            for line in differences(one.get(name, missing), other.get(name, missing), f"{path}.{name}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line for at, pair in enumerate(zip(one, other, strict=True)) for line in differences(*pair, f"{path}[{at}]")
        ]
    return [] if one == other else [f"{path}: {str(one)[:120]} against {str(other)[:120]}"]


def _with_statistics(data: dict[str, Json]) -> dict[str, Json]:
    """What PostGraphile gives as rows at the root, added up and put where the hub has it."""
    if "counts" not in data:
        return data
    rows = data.pop("counts")
    found = {row["status"]: row["count"] for row in rows}
    statistics = {
        "total": sum(found.values()),
        "byStatus": [{"status": status.value, "count": found.get(status.value, 0)} for status in Status],
        "lateness": {name: sum(row[name] for row in rows) for name in _LATENESS},
    }
    if "organisation" in data:
        data["organisation"]["statistics"] = statistics
    else:
        data = {"statistics": {**statistics, "ratings": data["ratings"][0], "hotSpots": data["hotSpots"]}}
    return data


def _shape(value: Json, name: str = "") -> Json:
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, float):
        return round(value, _DIGITS)
    if name == "endCursor":
        return value is not None
    if isinstance(value, str):
        return _text(value, name)
    return value


def _object(value: dict[str, Json]) -> dict[str, Json]:
    shaped: dict[str, Json] = {}
    for name, item in value.items():
        outer, _, inner = name.partition("__")
        if not inner:
            shaped[name] = _shape(item, name)
        elif inner == "newestFirst":
            shaped[outer] = _shape(list(reversed(item)))
        else:
            shaped.setdefault(outer, {})[inner] = _shape(item, inner)
    if "noteIsPublic" in shaped and not shaped.pop("noteIsPublic"):
        shaped["note"] = None
    if "purpose" in shaped:
        _finish_delivery(shaped)
    return shaped


def _finish_delivery(delivery: dict[str, Json]) -> None:
    """What PostGraphile leaves to its client: which of three moments counts. The words for a state are a look-up and not compared."""
    moments = [delivery.pop(name, None) for name in ("finishedAt", "waitsSince", "createdAt")]
    delivery.setdefault("since", next((moment for moment in moments if moment is not None), None))
    delivery.pop("reason", None)


def _text(value: str, name: str) -> str:
    if name == "id":
        return _key(value)
    return datetime.fromisoformat(value).isoformat() if _MOMENT.fullmatch(value) else value


def _key(value: str) -> str:
    """The key inside a global id, or a bare key as it is."""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or value
    except (binascii.Error, ValueError):
        return value
