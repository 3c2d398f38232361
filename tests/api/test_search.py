"""Search: words in any of their forms, addresses with mistakes, numbers as they are spoken, points in a circle."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.viewer import Viewer
from schema.lemmas import COMMONEST, MOST_FORMS, content_readings, forms_to_seek, load_dictionary
from schema.search_text import MOST_EXPANDED_WORDS, tsquery_text
from store.tables.message import WORDS
from tests.api.hub import Hub, fault_of
from tests.api.sowing import LIST, listed, sow

POTHOLE = "На улице Лесной глубокая яма, на неё упала ёлка"
LIFT = "В подъезде не работает лифт"


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("яма", {POTHOLE}),
        ("ямы", {POTHOLE}),
        ("ЯМОЙ глубоких", {POTHOLE}),
        ("елка", {POTHOLE}),
        ("ёлки", {POTHOLE}),
        ('"глубокая яма"', {POTHOLE}),
        ('"яма глубокая"', set()),
        ("яма лифт", set()),
        ("яма or лифты", {POTHOLE, LIFT}),
        ("лифт -яма", {LIFT}),
        ("садовая", {POTHOLE}),
        ("' & | ! ( :* <->  яма", {POTHOLE}),
    ],
)
async def test_words_are_found_in_any_form(hub: Hub, anna: Viewer, text: str, finds: set[str]) -> None:
    numbers = {
        await sow(hub, anna, text=POTHOLE, address="Садовая улица, 3"): POTHOLE,
        await sow(hub, anna, text=LIFT): LIFT,
    }
    assert {numbers[one] for one in await listed(hub, anna, filter={"text": text})} == finds


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("люди", "человек"),
        ("людей", "человека"),
        ("шёл", "идти"),
        ("шла", "идёт"),
        ("лучший", "хороший"),
        ("худшая", "плохими"),
        ("дети", "ребёнок"),
        ("лёд", "льдом"),
        ("день", "дни"),
        ("лет", "год"),
        ("течёт", "текла"),
        ("горячее", "горячей"),
    ],
)
async def test_forms_of_one_word_find_each_other(hub: Hub, anna: Viewer, one: str, other: str) -> None:
    first, second = await sow(hub, anna, text=f"Здесь {one}."), await sow(hub, anna, text=f"Тут {other.upper()}!")
    await sow(hub, anna, text=LIFT)
    for word in (one, other):
        assert set(await listed(hub, anna, filter={"text": word})) == {first, second}


CROWD = "На остановке ждут люди, а хорошая дорога засыпана льдом"


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("лучше", True),  # not indexed itself, so it stands for its other forms when it is all there is
        ("лучше лифт", False),
        ("лучше дорога", True),  # beside another word it is no condition
        ('"лучшая дорога"', True),
        ('"дорога лучшая"', False),
        ('"остановках ждал человек"', True),
        ("дорога -человек", False),
        ('дорога -"лучшая дорога"', False),
        ('дорога -"лучшая остановка"', True),
        ("лифт OR лёд", True),
        ("лифт or человек -лёд", False),
        ("or человек or", True),
        ("человек,лёд", False),
        ("остановка,ждать", True),
        ("«человек»", True),
        ("- человек", True),
        ('человек "', True),
        ('"человек', True),
        ("члвек", False),
        ("бутявка", False),
        ("на а", False),
    ],
)
async def test_the_syntax_holds_for_all_forms_of_a_word(hub: Hub, anna: Viewer, text: str, is_found: bool) -> None:
    reference = await sow(hub, anna, text=CROWD)
    assert await listed(hub, anna, filter={"text": text}) == ([reference] if is_found else [])


async def test_other_forms_count_for_relevance(hub: Hub, anna: Viewer) -> None:
    far = await sow(hub, anna, text="Люди пришли к дому, а рядом с ним глубокая яма")
    near = await sow(hub, anna, text="Человек упал в яму, люди у ямы")
    found = await listed(hub, anna, filter={"text": "люди яма"}, orderBy=[{"field": "RELEVANCE", "direction": "DESC"}])
    assert found == [near, far]


@pytest.mark.parametrize("word", ["12/3", "2.5", "a@b.example", "яма-провал", "ул.Лесная", "Block-C", "ІІ", "№5"])
async def test_numbers_addresses_and_foreign_words_are_found_as_they_are(hub: Hub, anna: Viewer, word: str) -> None:
    reference = await sow(hub, anna, text=f"Вот {word} здесь")
    await sow(hub, anna)
    assert await listed(hub, anna, filter={"text": word}) == [reference]
    assert await listed(hub, anna, filter={"text": f'"вот {word} здесь"'}) == [reference]


def test_a_word_has_a_bounded_number_of_forms_and_is_the_first_of_them() -> None:
    for word in ("идти", "лед", "день", "мыла", "хороший", "лучше"):
        forms = forms_to_seek(word, alone=True)
        assert forms[0] == word
        assert 1 < len(forms) == len(set(forms)) <= MOST_FORMS
    assert forms_to_seek("бутявка") == ("бутявка",)
    assert forms_to_seek("лучше") == ("лучше",)


def test_words_beyond_the_first_are_looked_for_as_they_were_typed() -> None:
    query = tsquery_text("люди " * (MOST_EXPANDED_WORDS + 3)) or ""
    assert (query.count("'люди'"), query.count("'человек'")) == (MOST_EXPANDED_WORDS + 3, MOST_EXPANDED_WORDS)


@pytest.fixture(scope="module")
def server(server_dsn: str) -> Any:
    load_dictionary()
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        yield connection


def test_the_words_that_postgresql_does_not_index_are_known(server: Any) -> None:
    path = "(SELECT setting FROM pg_config WHERE name = 'SHAREDIR') || '/tsearch_data/russian.stop'"
    (listing,) = server.execute(f"SELECT pg_read_file({path})").fetchone()
    assert {word for word in listing.split() if content_readings(word)} == COMMONEST


WORD = re.compile(r"\w+")
LETTERS = st.text(st.sampled_from("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАЁЯazAZ09_"), min_size=1, max_size=12)
ANY_WORD = st.one_of(
    LETTERS,
    st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: (WORD.findall(text) or ["яма"])[0]),
    st.sampled_from(["люди", "ЛУЧШЕ", "шёл", "хорошо", "быть", "стали", "мыла", "еще", "the"]),
).filter(lambda word: word.lower() != "or")


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(word=ANY_WORD)
def test_a_word_finds_the_message_that_holds_exactly_it(server: Any, word: str) -> None:
    statement = (
        f"SELECT words = ''::tsvector OR words @@ to_tsquery('russian', %s) "
        f"FROM (SELECT {WORDS} AS words FROM (SELECT %s::text AS text, NULL::text AS address) AS message) AS indexed"
    )
    assert server.execute(statement, (tsquery_text(word), word)).fetchone() == (True,)


SIGNS = [
    " ",
    " ",
    '"',
    "-",
    "or",
    "'",
    "\\",
    "&",
    "|",
    "!",
    "(",
    ")",
    "<->",
    ":*",
    ":",
    "<2>",
    "*",
    "_",
    "\u200b",
    "/",
    ".",
]
ANY_TEXT = st.one_of(
    # Nothing here that cannot be stored, or nearly every text would be refused before it is read.
    st.lists(st.one_of(st.sampled_from(SIGNS), LETTERS), max_size=30).map(lambda pieces: "".join(pieces)[:200]),
    st.lists(st.sampled_from([*SIGNS, "яма", "человек"]), max_size=30).map("".join),
    st.text(st.characters(), max_size=200),
)


@pytest.fixture
async def one_message(hub: Hub, anna: Viewer) -> str:
    """Without a row nothing would have to be compared with the query."""
    return await sow(hub, anna, text=CROWD)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=ANY_TEXT)
async def test_any_text_is_a_search_or_a_clear_fault(hub: Hub, anna: Viewer, one_message: str, text: str) -> None:
    result = await hub.run(
        LIST, {"filter": {"text": text}, "orderBy": [{"field": "RELEVANCE", "direction": "DESC"}]}, viewer=anna
    )
    if result.errors is None:
        assert result.data is not None
        assert result.data["messages"]["nodes"] in ([], [{"reference": one_message}])
    else:
        assert fault_of(result)["code"] == "BAD_REQUEST"
        assert "filter.text" in str(result.errors)


@pytest.mark.parametrize("text", ["", "  ", "-яма", '-"две ямы"', "& | !", "or", '"', "ы" * 201, "яма\x00"])
async def test_what_has_no_words_or_too_many_is_a_clear_fault(hub: Hub, anna: Viewer, text: str) -> None:
    for field in ("text", "place") if text != '-"две ямы"' else ("text",):
        result = await hub.run(LIST, {"filter": {field: text}}, viewer=anna)
        assert fault_of(result)["code"] == "BAD_REQUEST"
        assert f"filter.{field}" in str(result.errors)


@pytest.mark.parametrize(
    ("place", "is_found"),
    [("Берёзовая 12", True), ("березовая", True), ("Бирезовая", True), ("БЕРЁЗОВАЯ УЛИЦА", True), ("Ленина", False)],
)
async def test_an_address_is_found_with_small_mistakes(hub: Hub, anna: Viewer, place: str, is_found: bool) -> None:
    reference = await sow(hub, anna, address="Калуга, Берёзовая улица, 12")
    await sow(hub, anna)
    assert await listed(hub, anna, filter={"place": place}) == ([reference] if is_found else [])


async def test_a_number_is_found_whole_or_by_its_beginning(hub: Hub, anna: Viewer) -> None:
    one, other = await sow(hub, anna, reference="26-4711-0815-8"), await sow(hub, anna, reference="26-4712-0815-1")
    assert await listed(hub, anna, filter={"reference": "26 4711"}) == [one]
    assert set(await listed(hub, anna, filter={"reference": "2647"})) == {one, other}
    own = await sow(hub, anna)
    assert await listed(hub, anna, filter={"reference": own.replace("-", " ")}) == [own]


@pytest.mark.parametrize("spoken", ["26", "26-%", "", "26-0001-2345-1", "яма", "2" * 12])
async def test_what_is_no_number_is_a_clear_fault(hub: Hub, anna: Viewer, spoken: str) -> None:
    result = await hub.run(LIST, {"filter": {"reference": spoken}}, viewer=anna)
    assert "filter.reference" in str(result.errors)


@pytest.mark.parametrize(
    ("centre", "metres", "is_found"),
    [
        ((54.5293, 36.2754), 10, True),
        ((54.5293 + 0.0045, 36.2754), 510, True),  # 500 m to the north
        ((54.5293 + 0.0045, 36.2754), 490, False),
        ((54.5293, 36.2754 + 0.00775), 510, True),  # 500 m to the east
        ((54.5293, 36.2754 + 0.00775), 490, False),
        ((54.5293 + 0.004, 36.2754 + 0.007), 500, False),  # in the box, not in the circle
    ],
)
async def test_a_point_is_found_inside_the_circle_only(
    hub: Hub, anna: Viewer, centre: tuple[float, float], metres: int, is_found: bool
) -> None:
    reference = await sow(hub, anna, latitude=54.5293, longitude=36.2754)
    await sow(hub, anna)
    near = {"latitude": centre[0], "longitude": centre[1], "withinMeters": metres}
    assert await listed(hub, anna, filter={"near": near}) == ([reference] if is_found else [])


@pytest.mark.parametrize(("longitude", "latitude"), [(179.999, 66.0), (-179.999, 66.0), (10.0, 90.0)])
async def test_circles_reach_over_the_meridian_and_the_pole(
    hub: Hub, anna: Viewer, longitude: float, latitude: float
) -> None:
    points: list[dict[str, Any]] = [
        {"latitude": 66.0, "longitude": 179.995},
        {"latitude": 66.0, "longitude": -179.995},
        {"latitude": 89.99, "longitude": -120.0},
    ]
    numbers = [await sow(hub, anna, **point) for point in points]
    near = {"latitude": latitude, "longitude": longitude, "withinMeters": 5000}
    expected = numbers[2:] if latitude == 90 else numbers[:2]
    assert sorted(await listed(hub, anna, filter={"near": near})) == sorted(expected)
