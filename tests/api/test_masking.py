"""Unexpected errors say nothing but a reference, in the answer and in the log (P9)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

import pytest

from domain.deadlines import Deadline, NoDeadlineRule
from domain.message import Regime
from domain.viewer import Viewer
from gateway.facts import InstallationFacts
from store.references import ReferenceSource
from store.unit import Database
from tests.api.hub import Hub, document, fault_of

SECRET = "улица Тайная, 7"


class FactsWithoutDeadlines(InstallationFacts):
    """An installation whose table of deadlines has a hole."""

    def deadline(self, regime: Regime, category: str | None, received_on: date) -> Deadline:
        raise NoDeadlineRule(f"no rule; the citizen wrote about {SECRET}")


async def test_the_text_of_an_unexpected_error_goes_nowhere(
    hub: Hub, anna: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(hub.facts, InstallationFacts)
    facts = FactsWithoutDeadlines(hub.facts._reference, [])
    form = {"idempotencyKey": "k", "text": SECRET}
    with caplog.at_level(logging.DEBUG):
        result = await replace(hub, facts=facts).run(document("submit_message"), {"input": form}, viewer=anna)
    fault = fault_of(result)
    assert fault["code"] == "INTERNAL"
    assert result.errors is not None
    assert fault["reference"] in result.errors[0].message
    assert SECRET not in str(result.errors[0].formatted)
    assert fault["reference"] in caplog.text
    assert "NoDeadlineRule" in caplog.text
    assert SECRET not in caplog.text


async def test_a_database_that_is_away_is_unavailable(hub: Hub, anna: Viewer, caplog: pytest.LogCaptureFixture) -> None:
    away = Database("postgresql://okno@127.0.0.1:9/none")
    lost = replace(hub, database=away, references=ReferenceSource(away))
    form = {"idempotencyKey": "k", "text": SECRET}
    for text, variables in ((document("categories"), {}), (document("submit_message"), {"input": form})):
        result = await lost.run(text, variables, viewer=anna, language="ru")
        assert fault_of(result) == {"code": "UNAVAILABLE"}
        assert result.errors is not None
        assert "Повторите" in result.errors[0].message
    assert SECRET not in caplog.text
    await away.close()


@pytest.mark.parametrize(("given", "place"), [({}, "'$input'"), ({"input": {"idempotencyKey": 1}}, "'$input'")])
async def test_what_is_wrong_with_a_variable_is_said_with_its_name(
    hub: Hub, anna: Viewer, given: dict[str, object], place: str
) -> None:
    result = await hub.run(document("submit_message"), given, viewer=anna)
    assert result.errors
    assert all(error.message.startswith(f"Variable {place} has invalid value") for error in result.errors)
