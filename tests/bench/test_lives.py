"""The synthetic messages: the same for one seed, whole in themselves, in the order in which things happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import pytest

from bench.read.country import make_country
from bench.read.keys import OWN_MESSAGES, TEST_CITIZENS, person_key
from bench.read.lives import CHUNK, COLUMNS, NULL, Chunk, World, make_chunk, ranked
from domain.reference import read_reference
from domain.status import ALLOWED_MOVES, Mover, Status

COUNTRY = make_country()


def a_world(count: int = CHUNK, seed: int = 1) -> World:
    bodies = ranked(COUNTRY.bodies, seed)
    categories = [f"roads/{number}" for number in range(20)]
    return World(seed, count, 1_790_000_000.0, bodies, categories, "2026.1")


@pytest.fixture(scope="module")
def chunk() -> Chunk:
    return make_chunk(a_world(), 0)


def rows(chunk: Chunk, table: str) -> list[dict[str, str]]:
    names = COLUMNS[table].split()
    return [dict(zip(names, line.split("\t"), strict=True)) for line in chunk.lines[table]]


def by_message(chunk: Chunk, table: str) -> dict[str, list[dict[str, str]]]:
    found = defaultdict(list)
    for row in rows(chunk, table):
        found[row["message_id"]].append(row)
    return found


def test_one_seed_gives_the_same_rows_and_another_seed_gives_others() -> None:
    assert make_chunk(a_world(200), 0) == make_chunk(a_world(200), 0)
    assert make_chunk(a_world(200), 0) != make_chunk(a_world(200, seed=2), 0)


def test_a_message_that_ends_the_load_makes_a_short_chunk() -> None:
    assert len(make_chunk(a_world(CHUNK + 7), CHUNK).lines["message"]) == 7


def test_keys_are_unique_and_references_are_real(chunk: Chunk) -> None:
    for table in COLUMNS:
        keys = [row["id"] for row in rows(chunk, table)]
        assert len(set(keys)) == len(keys)
    references = [row["reference"] for row in rows(chunk, "message")]
    assert len(set(references)) == len(references) == CHUNK
    assert all(read_reference(reference) == reference for reference in references)


def test_a_message_stands_where_its_last_move_led_and_every_move_is_allowed(chunk: Chunk) -> None:
    events = by_message(chunk, "event")
    for message in rows(chunk, "message"):
        moves = events[message["id"]]
        assert [int(move["id"]) for move in moves] == sorted(int(move["id"]) for move in moves)
        assert moves[-1]["to_status"] == message["status"]
        assert moves[0]["from_status"] == NULL
        for before, after in pairwise(moves):
            assert after["from_status"] == before["to_status"]
            pair = (Status(after["from_status"]), Status(after["to_status"]))
            assert Mover(after["actor"]) in ALLOWED_MOVES[pair], pair


def test_nothing_happens_after_the_last_day(chunk: Chunk) -> None:
    until = "2026-09-21T13:53:20.000+00:00"
    assert max(row["observed_at"] for row in rows(chunk, "event")) <= until
    assert max(row["given_at"] for row in rows(chunk, "verdict")) <= until


def test_the_first_answer_came_when_the_message_was_answered(chunk: Chunk) -> None:
    answered = {row["message_id"]: row["observed_at"] for row in rows(chunk, "event") if row["to_status"] == "ANSWERED"}
    first = {row["message_id"]: row["observed_at"] for row in rows(chunk, "answer") if row["version"] == "1"}
    assert first == answered


def test_the_shares_are_those_that_are_promised(chunk: Chunk) -> None:
    events, with_files = len(chunk.lines["event"]), len(by_message(chunk, "attachment"))
    assert 3.8 < events / CHUNK < 4.8
    assert 0.55 < len(chunk.lines["verdict"]) / CHUNK < 0.68
    assert 0.27 < with_files / CHUNK < 0.33
    assert len({row["status"] for row in rows(chunk, "message")}) >= 7


def test_a_large_body_has_two_messages_of_a_hundred(chunk: Chunk) -> None:
    bodies: Sequence[tuple[str, int]] = Counter(
        row["organisation_code"] for row in rows(chunk, "message")
    ).most_common()
    assert 0.013 < max(count for code, count in bodies if code != NULL) / CHUNK < 0.028


def test_every_test_citizen_has_as_many_messages_as_is_promised(chunk: Chunk) -> None:
    authors = Counter(row["person_id"] for row in rows(chunk, "message"))
    assert [authors[person_key(number)] for number in range(1, TEST_CITIZENS + 1)] == [OWN_MESSAGES] * TEST_CITIZENS


def test_the_country_is_one_tree_with_its_parents_first() -> None:
    seen: set[str] = set()
    for one in COUNTRY.organisations:
        assert one.get("parent") in {None, *seen}
        seen.add(str(one["code"]))
    assert len(COUNTRY.organisations) == len(seen) > 2_000
    assert sum("parent" not in one for one in COUNTRY.organisations) == 1
