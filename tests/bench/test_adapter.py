"""The contestants of the adapter's comparison do the same work, and the generated agency files are sound."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from bench.adapter.contestants import Change, Created, PlainZeep, canonical, must_agree
from bench.adapter.files import checked
from bench.adapter.material import CASE_ID, PAGE_ITEMS, create_reply, page_reply
from bench.adapter.run import Size, run
from bench.ground import CONFIG

CASE = {
    "ExternalId": "26-0001-2345-8",
    "Subject": "Яма",
    "Text": "Глубокая <яма> & вода",
    "Kind": "0412",
    "CreatedAt": "2026-03-02T09:15:07",
}
WSDL = CONFIG / "agencies" / "city-roads" / "cases.wsdl"


class Forgetful(PlainZeep):
    """Leaves the text out of what it sends."""

    def request(self, case: Mapping[str, str]) -> bytes:
        return super().request({**case, "Text": "…"})


class Dull(PlainZeep):
    """Reads the page without its last change."""

    def changes(self, raw: bytes) -> list[Change]:
        return super().changes(raw)[:-1]


class Deaf(PlainZeep):
    """Reads no case number."""

    def created(self, raw: bytes) -> Created:
        return super().created(raw)[0], None


def test_zeep_reads_the_replies_of_the_comparison_whole() -> None:
    zeep = PlainZeep(WSDL)
    assert zeep.created(create_reply()) == ("0", CASE_ID)
    changes = zeep.changes(page_reply())
    assert len(changes) == PAGE_ITEMS
    assert changes[0][:3] == ("CR-000000", "4", "2026-03-02T09:00:00")


@pytest.mark.parametrize("other", [Forgetful, Dull, Deaf])
def test_a_contestant_that_does_less_ends_the_measurement(other: type[PlainZeep]) -> None:
    with pytest.raises(RuntimeError, match="other "):
        must_agree({"plain": PlainZeep(WSDL), "other": other(WSDL)}, CASE, create_reply(), page_reply())


def test_two_envelopes_differ_in_nothing_but_what_is_of_the_moment() -> None:
    zeep = PlainZeep(WSDL)
    first, second = zeep.request(CASE), zeep.request(CASE)
    assert first != second
    assert canonical(first) == canonical(second)


def test_the_comparison_runs_and_says_its_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    run(Size(rounds=1, count=20, files=0), json_wanted=True)
    document = json.loads(capsys.readouterr().out)
    assert set(document["medians"]) == {"okno", "plain zeep", "by hand"}
    assert document["ratios"]["per_core_s beside plain zeep"][0] > 0
    assert all(figures["cpu_us"] > 0 for figures in document["mapping"].values())


@pytest.mark.parametrize("own", [False, True])
def test_the_generated_agency_files_pass_every_check(own: bool) -> None:
    assert checked(4, own=own)["files"] == 4
