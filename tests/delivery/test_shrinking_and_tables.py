"""A photo made to fit, a table that is fetched, a clock that is measured: the parts of sending that remember or change bytes."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from PIL import Image

from adapters.adapter import Adapter, CannotBuild
from connectors.base import Call, Lost, Reply, Request, Tree
from delivery.shrinking import shrink
from delivery.tables import RETRY_S, Tables
from delivery.their_clock import TheirClock
from tests.adapters.small_agency import adapter_of, submit
from tests.gateway.pictures import exif_of

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
ORIENTATION = 0x0112


def noise(width: int, height: int, kind: str = "JPEG", mode: str = "RGB", exif: Image.Exif | None = None) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((width, height), 90).convert(mode).save(out, kind, **({} if exif is None else {"exif": exif}))
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")]
)
def test_a_photo_becomes_nearly_as_large_as_it_may(kind: str, mode: str) -> None:
    content = noise(700, 500, kind, mode)
    smaller = shrink(content, 40_000)
    assert smaller is not None
    assert 30_000 < len(smaller) <= 40_000
    with Image.open(io.BytesIO(smaller)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert abs(image.width / image.height - 1.4) < 0.02


def test_a_photo_is_turned_upright_and_keeps_where_and_when_it_was_taken() -> None:
    exif = exif_of()
    exif[ORIENTATION] = 6
    smaller = shrink(noise(600, 300, exif=exif), 20_000)
    assert smaller is not None
    with Image.open(io.BytesIO(smaller)) as image:
        kept = image.getexif()
        assert image.height > image.width
        assert kept.get(ORIENTATION, 1) == 1
        assert kept.get_ifd(0x8825)[1] == "N"
        assert kept.get_ifd(0x8769)[0x9011] == "+03:00"


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff" + bytes(100), b"%PDF-1.7", noise(64, 64)[:200]])
def test_what_is_no_whole_photo_is_none(content: bytes) -> None:
    assert shrink(content, 10_000) is None


def test_a_photo_that_would_have_to_become_a_stamp_is_none() -> None:
    assert shrink(noise(400, 300), 300) is None


def test_a_picture_that_would_unfold_into_gigabytes_is_none() -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(out, "PNG")
    assert shrink(out.getvalue(), 1_000) is None


class Catalogue:
    """A connector that answers by a list, for an agency whose replies a test decides one by one."""

    def __init__(self, *replies: int | None) -> None:
        self._replies = list(replies)
        self.asked = 0

    async def send(self, call: Call) -> Reply:
        assert call.safe
        self.asked += 1
        count = self._replies.pop(0)
        if count is None:
            raise Lost("silence")
        rows: Tree = [{"name": f"k{number}", "id": str(number)} for number in range(count)]
        return Reply(200, {}, b"", {"items": rows}, Request("GET", "", {}, b""))

    def render(self, call: Call) -> Request:
        raise NotImplementedError

    async def close(self) -> None:
        return None


def agency(more: str = "") -> Adapter:
    table = "fetched_tables: {kinds: {request: GET /kinds, every: 10m, each: items, ours: item.name, theirs: item.id}}"
    return adapter_of(submit("send: {a: message.text}", f"{table}\n{more}"))


async def counts(tables: Tables) -> int:
    return len((await tables.current())["kinds"])


async def test_a_table_is_fetched_when_it_is_old_and_kept_when_it_cannot_be() -> None:
    """Q22: thirty minutes of cache at one agency, and stale when it is down."""
    now = [0.0]
    catalogue = Catalogue(10, None, 12)
    tables = Tables(agency(), catalogue, lambda: now[0])
    assert [await counts(tables), await counts(tables), catalogue.asked] == [10, 10, 1]
    now[0] = 600.0
    assert [await counts(tables), await counts(tables), catalogue.asked] == [10, 10, 2]
    now[0] += RETRY_S
    assert [await counts(tables), catalogue.asked] == [12, 3]


async def test_a_table_that_shrank_or_came_empty_is_not_believed() -> None:
    """Q23: an empty catalogue once deleted every category."""
    now = [0.0]
    tables = Tables(agency(), Catalogue(10, 0, 7, 8), lambda: now[0])
    seen = [await counts(tables)]
    for _ in range(3):
        now[0] += 600.0
        seen.append(await counts(tables))
    assert seen == [10, 10, 10, 8]


async def test_the_files_own_rows_serve_until_a_table_is_there() -> None:
    tables = Tables(agency("translate: {kinds: {roads/pothole: '1'}}"), Catalogue(None))
    assert await tables.current() == {}
    with pytest.raises(CannotBuild, match="`kinds` could not be fetched"):
        await Tables(agency(), Catalogue(None)).current()


def test_a_clock_is_measured_by_the_median_and_small_differences_are_none() -> None:
    """Q12: their clock is two minutes behind; one wrong date moves nothing."""
    clock = TheirClock()
    assert clock.ahead_s == 0.0
    for date in (None, "", "yesterday", "Mon, 02 Mar 2026 08:58:00", "Mon, 02 Mar 2020 08:58:00 GMT"):
        clock.note(date, NOW)
    assert clock.ahead_s == 0.0
    for seconds in (0, 1, 59, 2):
        clock.note(f"Mon, 02 Mar 2026 08:58:{seconds:02} GMT", NOW)
    assert -121 < clock.ahead_s < -117
    close = TheirClock()
    close.note("Mon, 02 Mar 2026 09:00:01 GMT", NOW)
    assert close.ahead_s == 0.0
