"""Looking for messages by their words, address, number or point, as SQL. The indexes that serve it are declared in `store/tables/message.py`.

Promises: what cannot be looked for, because it has no words or is too long, is a fault that names the field; what a request brings is bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import REAL, ColumnElement, Double, FromClause, Text, and_, cast, func, literal_column, or_

from domain.reference import read_reference, reference_beginning
from schema.faults import Fault, filter_not_possible
from schema.lemmas import fold
from schema.plan.conditions import Given
from schema.plan.values import storable
from schema.search_text import tsquery_text
from store.tables.message import folded_address

MOST_METRES = 5_000
MOST_CHARS = 200
_EARTH_RADIUS_M = 6_371_008.8
_METRES_OF_A_DEGREE = _EARTH_RADIUS_M * math.pi / 180
_WORD = re.compile(r"\w", re.UNICODE)
_CONFIGURATION: ColumnElement[Any] = literal_column("'russian'::regconfig")


def readable_words(path: str) -> Callable[[str], str]:
    """Brings what somebody looks for into the indexed form. Raises Fault for a text without words or a long one."""

    def read(value: str) -> str:
        if _WORD.search(re.sub(r"(?<!\S)-\S+|\bor\b", " ", _not_too_long(path, value))) is None:
            raise _no_words(path)
        return fold(str(storable(path, value)))

    return read


def _readable_query(value: str) -> str:
    path = "filter.text"
    query = tsquery_text(str(storable(path, _not_too_long(path, value))))
    if query is None:
        raise _no_words(path)
    return query


def _not_too_long(path: str, value: str) -> str:
    if len(value) > MOST_CHARS:
        raise filter_not_possible(path, f"не больше {MOST_CHARS} знаков.", f"at most {MOST_CHARS} characters.")
    return value


def _no_words(path: str) -> Fault:
    return filter_not_possible(
        path, "в нём нет слов, которые можно искать.", "it has no words to look for; give at least one."
    )


def _query(given: Given) -> ColumnElement[Any]:
    return func.to_tsquery(_CONFIGURATION, given.bind(Text(), _readable_query))


def text_condition(table: FromClause, given: Given) -> ColumnElement[bool]:
    return table.c.words.bool_op("@@")(_query(given))


def relevance(table: FromClause, given: Given | None) -> ColumnElement[Any]:
    if given is None:
        message = "the relevance of a message is that to a text"
        raise TypeError(message)
    return cast(func.ts_rank_cd(table.c.words, _query(given)), REAL)


def place_condition(table: FromClause, given: Given) -> ColumnElement[bool]:
    wanted = given.bind(Text(), readable_words("filter.place"))
    return wanted.bool_op("<%")(folded_address(table.c.address))


def whole_reference(value: str) -> bool:
    return read_reference(value) is not None


def reference_condition(table: FromClause, given: Given) -> ColumnElement[bool]:
    if given.seen:
        return table.c.reference == given.bind(Text(), read_reference)

    def beginning(value: str) -> str:
        found = reference_beginning(value)
        if found is None:
            raise filter_not_possible(
                "filter.reference",
                "укажите номер вида 26-0001-2345-8 или его начало, не меньше четырёх цифр; проверьте последнюю цифру.",
                "give a number such as 26-0001-2345-8 or its beginning, four digits at least; check the last digit.",
            )
        return found

    return table.c.reference.like(given.bind(Text(), lambda value: f"{beginning(value)}%"))


def near_condition(table: FromClause, given: Given) -> ColumnElement[bool]:
    """Within a distance: a box that an index serves, then the great circle."""

    def bind(part: Callable[[dict[str, Any]], float]) -> ColumnElement[Any]:
        return given.bind(Double(), lambda value: part(_checked(value)))

    def box(places: tuple[int, int, int, int]) -> ColumnElement[Any]:
        west, south, east, north = (bind(partial(_side, at)) for at in places)
        return func.box(func.point(west, south), func.point(east, north))

    point = func.point(table.c.longitude, table.c.latitude)
    latitude, longitude = bind(lambda value: value["latitude"]), bind(lambda value: value["longitude"])
    half_turn = func.power(func.sind((table.c.latitude - latitude) / 2), 2) + func.cosd(latitude) * func.cosd(
        table.c.latitude
    ) * func.power(func.sind((table.c.longitude - longitude) / 2), 2)
    metres = 2 * _EARTH_RADIUS_M * func.asin(func.least(1.0, func.sqrt(half_turn)))
    inside = [point.bool_op("<@")(box(places)) for places in ((0, 2, 1, 3), (4, 2, 5, 3))]
    return and_(table.c.latitude.is_not(None), or_(*inside), metres <= bind(lambda value: float(value["withinMeters"])))


def _side(at: int, value: dict[str, Any]) -> float:
    return _box(value)[at]


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    if not (abs(value["latitude"]) <= 90 and abs(value["longitude"]) <= 180):
        raise filter_not_possible(
            "filter.near",
            "широта от −90 до 90, долгота от −180 до 180.",
            "latitude is −90 to 90, longitude −180 to 180.",
        )
    if not 1 <= value["withinMeters"] <= MOST_METRES:
        raise filter_not_possible(
            "filter.near.withinMeters",
            f"укажите от 1 до {MOST_METRES} метров.",
            f"give 1 to {MOST_METRES} metres.",
        )
    return value


def _box(value: dict[str, Any]) -> tuple[float, float, float, float, float, float]:
    """West, east, south, north; then west and east of what lies beyond the 180th meridian, an empty strip elsewhere."""
    high = value["withinMeters"] / _METRES_OF_A_DEGREE
    south, north = value["latitude"] - high, value["latitude"] + high
    furthest = max(abs(south), abs(north))
    wide = high / math.cos(math.radians(furthest)) if furthest < 89.9 else 360.0
    west, east = value["longitude"] - wide, value["longitude"] + wide
    if west < -180:
        beyond = west + 360, 180.0
    elif east > 180:
        beyond = -180.0, east - 360
    else:
        beyond = west, west
    return west, east, south, north, *beyond
