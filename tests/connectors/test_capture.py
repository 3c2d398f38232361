"""A dry run shows the exact request and sends nothing."""

from __future__ import annotations

import pytest

from connectors.base import Call, NotSent
from connectors.capture import CapturingConnector
from connectors.http import Wire
from connectors.rest import RestConnection, RestConnector
from tests.connectors.raw_server import raw_server, replying


async def test_a_dry_run_keeps_the_exact_request_and_sends_nothing(wire: Wire) -> None:
    async with raw_server(replying(b"{}")) as server:
        real = RestConnector(RestConnection(server.address), wire)
        dry = CapturingConnector(real)
        call = Call("POST /requests", {"x": "ё"})
        with pytest.raises(NotSent, match="dry run") as caught:
            await dry.send(call)
        assert server.requests == []
        sent = (await real.send(call)).request
        assert caught.value.request == sent
        assert list(dry.requests) == [sent]
        await dry.close()


def test_a_dry_run_refuses_what_a_real_run_would_refuse() -> None:
    dry = CapturingConnector(RestConnector(RestConnection("http://127.0.0.1:9")))
    with pytest.raises(NotSent, match=r"path\.id"):
        dry.render(Call("GET /requests/{id}"))
    assert not dry.requests
