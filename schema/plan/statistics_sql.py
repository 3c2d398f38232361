"""The SQL of a Statistics object: sums over the smallest read model that knows the filter, and over the deltas not yet folded into it.

Promises: no message is read; every count is a number of 32 bits and never null; what would show fewer than `FEWEST` people is in the answer only
for those who hold the right at the organisation asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Date,
    FromClause,
    Integer,
    Subquery,
    TableClause,
    Text,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    union_all,
)

from schema.plan.json_sql import NO_ROWS, Place, name_literal
from schema.plan.selection import Selected
from schema.plan.statistics_pieces import (
    CELL,
    DAY,
    DELTA,
    FEWEST,
    OPEN_MESSAGES,
    OPEN_TOTAL,
    ORGANISATION,
    ZERO,
    Asked,
    Value,
    always,
    days,
    object_of,
    rounded,
    whole_number,
)
from schema.plan.statistics_spots import spots_json
from store.statistics.days import COUNTRY_ZONE, NEAR_DAYS
from store.tables import OrganisationRow
from store.tables.statistics import OPEN, RATINGS, STATUS_MEASURES

if TYPE_CHECKING:
    from schema.plan.compiler import Compiler

DAYS_UNLESS_SAID = 30
MOST_DAYS = 366


def statistics_json(compiler: Compiler, field: Selected, near: Place | None) -> Value:
    """The JSON of a Statistics object. Raises Fault."""
    wanted = field.argument("filter")
    given = dict(compiler.openings.look(lambda values: _given(wanted.value(values))))
    asked = Asked(compiler, wanted, given, near)
    sums = _Sums()
    open_ones: list[Subquery] = []

    def open_messages() -> Subquery:
        if not open_ones:
            open_ones.append(_open_messages(asked))
        return open_ones[0]

    whole = object_of(
        compiler,
        field,
        {
            "total": lambda _: sums.of("messages"),
            "byStatus": lambda one: _by_status(compiler, one, sums),
            "lateness": lambda one: _lateness(compiler, one, sums, open_messages),
            "ratings": lambda one: _ratings(asked, one, sums),
            "hotSpots": lambda one: spots_json(asked, one),
            "byDay": lambda one: _by_day(asked, one),
        },
    )
    totals = sums.subquery(asked)
    found = select(whole).select_from(*(one for one in (totals, *open_ones) if one is not None))
    return (found if near is None else found.correlate(near.table)).scalar_subquery()


def _given(value: Mapping[str, Any] | None) -> tuple[tuple[str, object], ...]:
    """Which conditions a request gives; whether those below count is the one value that shapes the statement."""
    value = value or {}
    named = sorted(name for name, one in value.items() if one is not None and name != "below")
    return (*((name, True) for name in named), ("below", value.get("below") is not False))


class _Sums:
    """The measures that a request needs, each summed once for all that ask for it."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def of(self, *names: str) -> Value:
        """The sum of some measures, to be selected from `subquery`."""
        self._names.update(dict.fromkeys(names))
        # The subquery is not made before everybody has asked: its columns are named here and known there.
        joined = " + ".join(f"totals.{name}" for name in names)
        return literal_column(joined if len(names) == 1 else f"({joined})", Integer)

    def subquery(self, asked: Asked) -> Subquery | None:
        if not self._names:
            return None
        names = list(self._names)
        sums = ", ".join(f"coalesce(sum(rows.{name}), 0)::integer AS {name}" for name in names)
        return select(text(sums)).select_from(asked.both(_smallest(asked), names, "rows")).subquery("totals")


def _smallest(asked: Asked) -> TableClause:
    """The read model with the fewest rows that knows the conditions."""
    if not asked.of_places and not asked.of_organisations:
        return DAY
    return CELL if asked.of_places or asked.of_days else ORGANISATION


def _by_status(compiler: Compiler, field: Selected, sums: _Sums) -> Value:
    items = (
        object_of(compiler, field, {"status": always(name_literal(status.value)), "count": always(sums.of(name))})
        for status, name in STATUS_MEASURES.items()
    )
    return func.json_build_array(*items)


def _lateness(compiler: Compiler, field: Selected, sums: _Sums, open_messages: Callable[[], Subquery]) -> Value:
    return object_of(
        compiler,
        field,
        {
            "answeredInTime": lambda _: sums.of("answered_in_time"),
            "answeredLate": lambda _: sums.of("answered_late"),
            "openInTime": lambda _: open_messages().c.in_time,
            "openNear": lambda _: open_messages().c.near,
            "openLate": lambda _: open_messages().c.late,
        },
    )


def _open_messages(asked: Asked) -> Subquery:
    """Messages without an answer, by how many days are left where their organisation is."""
    of_all = not asked.of_places and not asked.of_organisations
    model = OPEN_TOTAL.alias() if of_all else OPEN_MESSAGES.alias()
    delta = DELTA.alias()
    parts = []
    for table in (model, delta):
        source: FromClause = table
        if "timezone" in table.c:
            zone: Value = table.c.timezone
        else:
            organisation = OrganisationRow.__table__.alias()
            zone = func.coalesce(organisation.c.timezone, literal_column(f"'{COUNTRY_ZONE}'", Text))
            source = table.outerjoin(organisation, organisation.c.code == table.c.organisation_code)
        columns = (zone.label("zone"), table.c.deadline_on, table.c[OPEN].label("n"))
        parts.append(asked.select(source, *columns).where(table.c[OPEN].is_not(None), *asked.conditions(table)))
    rows = union_all(*parts).subquery()
    # Grouped first: asking for the day in a time zone is the dear part.
    grouped = (
        select(rows.c.zone, rows.c.deadline_on, func.sum(rows.c.n).label("n"))
        .group_by(rows.c.zone, rows.c.deadline_on)
        .subquery()
    )
    today = cast(func.timezone(grouped.c.zone, func.now()), Date)
    left = grouped.c.deadline_on - today
    shares = {"in_time": left > days(NEAR_DAYS), "near": left.between(days(0), days(NEAR_DAYS)), "late": left < days(0)}
    counted = (whole_number(func.sum(grouped.c.n).filter(which)).label(name) for name, which in shares.items())
    return select(*counted).subquery("open_messages")


def _ratings(asked: Asked, field: Selected, sums: _Sums) -> Value:
    given = [f"answer_{rating}" for rating in RATINGS]

    def share(_: Selected) -> Value:
        rated, answers = sums.of(*given), sums.of("answers")
        return rounded(func.nullif(answers, ZERO), rated, 4)

    return object_of(
        asked.compiler,
        field,
        {
            "answer": lambda one: _rating(asked, one, sums, "answer"),
            "solution": lambda one: _rating(asked, one, sums, "solution"),
            "ratedShare": share,
        },
    )


def _rating(asked: Asked, field: Selected, sums: _Sums, kind: str) -> Value:
    names = {rating: f"{kind}_{rating}" for rating in RATINGS}
    count = sums.of(*names.values())
    shown = or_(count >= literal_column(str(FEWEST)), asked.may_see_small())
    weighed = [literal_column(str(rating), Integer) * sums.of(name) for rating, name in names.items()]
    average = rounded(func.nullif(count, ZERO), sum(weighed[1:], weighed[0]), 2)

    def distribution(one: Selected) -> Value:
        items = (
            object_of(
                asked.compiler, one, {"rating": always(literal_column(str(rating))), "count": always(sums.of(name))}
            )
            for rating, name in names.items()
        )
        return case((shown, func.json_build_array(*items)), else_=null())

    return object_of(
        asked.compiler,
        field,
        {
            "average": always(case((shown, average), else_=null())),
            "count": always(count),
            "distribution": distribution,
        },
    )


def _by_day(asked: Asked, field: Selected) -> Value:
    """The last days of the period, each with its counts, zeros included."""
    last = asked.last_day
    first = last - days(DAYS_UNLESS_SAID - 1)
    if "from" in asked.given:
        first = func.greatest(asked.bind("from", Date), last - days(MOST_DAYS - 1))
    rows = asked.both(
        CELL if asked.of_places or asked.of_organisations else DAY, ("day", "messages", "answered_that_day"), "rows"
    )
    sums = text("rows.day, sum(rows.messages) AS received, sum(rows.answered_that_day) AS answered")
    counted = (
        select(sums)
        .select_from(rows)
        .where(literal_column("rows.day", Date).between(first, last))
        .group_by(text("rows.day"))
        .subquery("counted")
    )
    steps = func.generate_series(ZERO, last - first).table_valued("n").render_derived(name="steps")
    day = cast(first + steps.c.n, Date)
    item = object_of(
        asked.compiler,
        field,
        {
            "day": always(day),
            "received": always(whole_number(literal_column("counted.received"))),
            "answered": always(whole_number(literal_column("counted.answered"))),
        },
    )
    gathered = func.json_agg(item).aggregate_order_by(steps.c.n)
    source = steps.outerjoin(counted, literal_column("counted.day", Date) == day)
    return func.coalesce(select(gathered).select_from(source).scalar_subquery(), NO_ROWS)
