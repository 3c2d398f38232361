"""What makes it right to send the bytes of PostgreSQL as they are: each stored field is shown to be what the schema promises."""

from __future__ import annotations

import re

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType
from sqlalchemy import Text as SqlText
from sqlalchemy import case, cast, func, literal, text
from sqlalchemy.exc import IntegrityError

from schema.plan.declare import Column, Words
from schema.plan.proof import fits, never_null
from schema.root import HubSchema, build_schema
from store.tables import DeliveryRow, EventRow, MessageRow
from store.unit import Database

message, event, delivery = MessageRow.__table__.c, EventRow.__table__.c, DeliveryRow.__table__.c

UNPROVEN: dict[tuple[str, str], str] = {}
"""Stored fields that graphql-core has to look at, with the reason. Every operation that selects one costs ten times as much."""


@pytest.fixture(scope="module")
def built() -> HubSchema:
    return build_schema()


def test_every_stored_field_is_proven_or_listed_here(built: HubSchema) -> None:
    assert built.plans.catalogue.doubts == UNPROVEN


def test_there_is_something_to_prove(built: HubSchema) -> None:
    catalogue = built.plans.catalogue
    kinds = [built._schema.type_map[name] for name, row in catalogue.rows.items() if row is not None]
    required = [
        (kind.name, name)
        for kind in kinds
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if isinstance(field.type, GraphQLNonNull)
    ]
    assert len(required) > 50


async def test_every_check_that_a_declaration_leans_on_is_in_the_database(built: HubSchema, database: Database) -> None:
    said = [shown.sure for shown in built.plans.catalogue.shown.values() if isinstance(shown, Column | Words)]
    named = {name for sure in said if sure for name in re.findall(r"\bck_\w+", sure)}
    assert named
    async with database.reader() as connection:
        found = await connection.scalars(text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND convalidated"))
        assert named <= set(found)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("territory", "kind = 'moon'"),
        ("organisation", "kind = 'club'"),
        ("organisation", "level = 'galactic'"),
    ],
)
async def test_an_unknown_kind_is_refused(database: Database, table: str, change: str) -> None:
    await _one_of_each(database)
    with pytest.raises(IntegrityError):
        async with database.unit() as unit:
            await unit.execute(text(f"UPDATE {table} SET {change}"))


@pytest.mark.parametrize(
    "columns",
    [
        {"latitude": "'NaN'", "longitude": "1"},
        {"latitude": "1", "longitude": "'Infinity'"},
        {"latitude": "1", "longitude": "1", "accuracy_m": "'NaN'"},
        {"latitude": "1"},
        {"route_rule": "'a'"},
        {"route_rule": "'a'", "route_reason_ru": "'б'"},
    ],
)
async def test_a_row_that_json_could_not_hold_is_refused(database: Database, columns: dict[str, str]) -> None:
    await _one_of_each(database)
    with pytest.raises(IntegrityError):
        async with database.unit() as unit:
            await unit.execute(text(_insert_message(columns)))
    async with database.unit() as unit:
        await unit.execute(text(_insert_message({"latitude": "1", "longitude": "1", "accuracy_m": "0"})))


def test_what_may_be_null_is_seen() -> None:
    assert never_null(message.text)
    assert not never_null(message.address)
    assert never_null(func.coalesce(message.address, literal("")))
    assert never_null(func.coalesce(message.address, message.text))
    assert not never_null(func.coalesce(message.address, message.territory_code))
    assert never_null(func.upper(func.replace(message.text, literal("a"), literal("b"))))
    assert not never_null(func.upper(message.address))
    assert not never_null(func.nullif(message.text, literal("")))
    assert never_null(cast(message.text, SqlText))
    assert not never_null(case((event.note_is_public, message.text)))
    assert never_null(case((event.note_is_public, message.text), else_=message.reference))
    assert not never_null(case((event.note_is_public, message.text), else_=message.address))


def test_what_does_not_fit_a_scalar_is_seen(built: HubSchema) -> None:
    kinds = built._schema.type_map

    def holds(name: str, value: object) -> bool:
        return fits(kinds[name], value)  # type: ignore[arg-type]

    assert holds("Int", delivery.attempts)
    assert not holds("Int", event.id), "64 bits"
    assert not holds("Int", func.count())
    assert not holds("Float", message.latitude), "NaN"
    assert holds("String", message.text)
    assert not holds("String", message.received_at)
    assert holds("DateTime", func.coalesce(delivery.finished_at, delivery.created_at))
    assert holds("Date", message.deadline_on)
    assert holds("Status", message.status)
    assert not holds("Status", message.text)
    assert not holds("Status", event.kind)
    assert not holds("Boolean", message.text)


async def _one_of_each(database: Database) -> None:
    async with database.unit() as unit:
        await unit.execute(
            text("INSERT INTO territory (code, name_ru, name_en, kind) VALUES ('29000000', 'К', 'K', 'region')")
        )
        await unit.execute(
            text(
                "INSERT INTO organisation (code, name_ru, name_en, kind, level, timezone)"
                " VALUES ('a', 'А', 'A', 'other', 'regional', 'Europe/Moscow')"
            )
        )
        await unit.execute(
            text("INSERT INTO person (id, issuer, subject) VALUES ('00000000-0000-0000-0000-000000000001', 'i', 's')")
        )


def _insert_message(columns: dict[str, str]) -> str:
    whole = {
        "id": "gen_random_uuid()",
        "reference": "'r'",
        "person_id": "'00000000-0000-0000-0000-000000000001'",
        "text": "'t'",
        "regime": "'MESSAGE'",
        "channel": "'PORTAL'",
        "rubricator_version": "'1'",
        "status": "'RECEIVED'",
        "status_since": "now()",
        "received_at": "now()",
        "deadline_on": "current_date",
        "deadline_rule": "'d'",
        **columns,
    }
    return f"INSERT INTO message ({', '.join(whole)}) VALUES ({', '.join(whole.values())})"
