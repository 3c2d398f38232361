"""Ratios are taken within a round, and the table says what was measured."""

from __future__ import annotations

import json

from bench.read.report import Measured, Ratio, as_document, as_text, ratios


def measured() -> Measured:
    hub = [{"per_s": 100.0, "app_cpu_ms": 1.0}, {"per_s": 50.0, "app_cpu_ms": 2.0}, {"per_s": 200.0, "app_cpu_ms": 1.0}]
    peer = [{"per_s": 25.0, "app_cpu_ms": 4.0}, {"per_s": 10.0, "app_cpu_ms": 8.0}, {"per_s": 50.0, "app_cpu_ms": 5.0}]
    floor = [{"per_s": 200.0}, {"per_s": 100.0}, {"per_s": 400.0}]
    return Measured({"R1": {"okno": hub, "peer": peer, "floor": floor}}, {"R1": 12.34}, 3, 2.0, 8, "some machine")


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    found = ratios(measured(), "R1", "okno")
    assert found["peer"]["requests"].median == 4.0
    assert found["peer"]["less app CPU"].median == 4.0
    assert found["floor"]["requests"] == Ratio(0.5, 0.5, 0.5)


def test_a_side_without_a_figure_has_no_ratio_for_it() -> None:
    assert "less app CPU" not in ratios(measured(), "R1", "okno")["floor"]


def test_the_spread_is_the_middle_half_of_the_rounds() -> None:
    assert Ratio.over([1.0, 2.0, 3.0, 4.0, 5.0]) == Ratio(3.0, 2.0, 4.0)
    assert Ratio.over([7.0]) == Ratio(7.0, 7.0, 7.0)


def test_text_and_document_tell_the_same() -> None:
    text, document = as_text(measured(), "okno"), json.loads(as_document(measured(), "okno"))
    assert "R1 (a fresh plan: 12.3 ms" in text
    assert "| peer |  | 25.00 |" in text
    assert document["operations"]["R1"]["ratios"]["peer"]["requests"][0] == 4.0
