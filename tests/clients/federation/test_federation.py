"""The hub as a subgraph: two makers' composers take it as it is, and two makers' gateways join its rows with those of another subgraph."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients import npm
from tests.clients.serving import Served, served

HERE = Path(__file__).parent
SECRET = "0123456789abcdef0123456789abcdef"
GATEWAYS = ("apollo", "guild")


@pytest.fixture(scope="module")
def subgraph(clients_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server in production that lets a federation gateway in."""
    folder = tmp_path_factory.mktemp("federation")
    with served(clients_database, folder, OKNO_MODE="production", OKNO_GATEWAY_SECRET=SECRET) as running:
        yield running


@pytest.fixture(scope="module")
def citizen(subgraph: Served) -> tuple[str, str]:
    """A person and the number of their message, which has an answer."""
    subject = f"anna-{uuid4().hex[:8]}"
    reference = subgraph.submit(subject, "Яма у школы.")
    subgraph.answer(reference)
    return subject, reference


@pytest.fixture(scope="module")
def answers(subgraph: Served, citizen: tuple[str, str]) -> Any:
    """What each gateway answers to each person."""
    subject, reference = citizen
    return npm.run_json(
        HERE,
        "gateways.mjs",
        OKNO_URL=subgraph.url,
        OKNO_SECRET=SECRET,
        OKNO_TOKEN=subgraph.token(subject),
        OKNO_STRANGER=subgraph.token("boris"),
        OKNO_REFERENCE=reference,
    )


def test_both_composers_take_the_subgraph_alone_and_with_others(subgraph: Served) -> None:
    found = npm.run_json(HERE, "compose.mjs", OKNO_URL=subgraph.url, OKNO_SECRET=SECRET)
    assert list(found) == ["alone", "with profiles", "with nodes"]
    for composed in found.values():
        assert composed["apollo"] == {"errors": [], "hints": [], "composed": True}
        assert composed["guild"] == {"errors": [], "composed": True}
        # A gateway cannot tell whose node an id names, so citizens do not meet this field.
        assert "node" not in composed["queries"]
        assert "organisation" in composed["queries"]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_citizen_sees_their_message_joined_from_both_subgraphs(
    answers: Any, gateway: str, citizen: tuple[str, str]
) -> None:
    reference, found = citizen[1], answers[gateway]["citizen"]
    # Of an organisation or a message that is not there, a gateway may say that its fields are null.
    assert [one for one in found["errors"] if not one.startswith("Cannot return null for non-nullable field")] == []
    data, motto = found["data"], "Дорогу осилит идущий."
    assert data["message"] == {
        "reference": reference,
        "likes": len(reference),
        "organisation": {"code": "city-roads", "motto": motto},
        "answers": [{"text": "Яма заделана.", "organisation": {"motto": motto}}],
    }
    mine = {"reference": reference, "likes": len(reference), "text": "Яма у школы.", "status": "ROUTED"}
    assert data["mentioned"] == [None, mine]
    assert (data["featured"]["motto"], data["featured"]["level"]) == (motto, "MUNICIPAL")
    assert data["featured"]["name"]
    organisations = data["likedOrganisations"]["organisations"]
    assert [one and one["code"] for one in organisations] == [None, "city-roads"]
    assert "entities" in found["sent"]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("who", ["stranger", "nobody"])
def test_the_message_of_somebody_else_is_null_through_a_gateway_too(answers: Any, gateway: str, who: str) -> None:
    found = answers[gateway][who]
    assert found["data"]["message"] is None
    assert found["data"]["mentioned"] == [None, None]
    assert found["data"]["featured"]["name"]
    assert "Яма" not in json.dumps(found, ensure_ascii=False)


def _ask(served_at: Served, query: str, secret: str | None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | ({} if secret is None else {"x-okno-gateway": secret})
    request = urllib.request.Request(served_at.url, json.dumps({"query": query}).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_only_the_gateway_is_served_the_federated_schema(subgraph: Served, production: Served, gateway: Served) -> None:
    about = "{ _service { sdl } }"
    status, answer = _ask(subgraph, about, SECRET)
    assert (status, list(answer["data"]["_service"])) == (200, ["sdl"])
    status, answer = _ask(subgraph, about, SECRET[::-1])
    assert (status, answer["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    # To everybody else a free text is what it always is in production; and where no secret is set, the header is nothing.
    assert [
        _ask(at, about, secret)[1]["errors"][0]["extensions"]["code"]
        for at, secret in [(subgraph, None), (production, SECRET)]
    ] == ["DOCUMENT_UNKNOWN"] * 2
    assert _ask(gateway, about, SECRET)[1]["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
