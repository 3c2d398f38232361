"""Carries one connection's requests to its address, or to the next of several where the one before cannot be reached.

Only what certainly did not arrive goes on to the next address. The address that answered last is tried first.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from connectors.base import BadConnection, Request
from connectors.http import Limits, RawReply, Unreachable, Wire, checked_address


class Reach:
    """The addresses of one connection."""

    def __init__(
        self, addresses: tuple[str, ...], limits: Limits, *, tls: ssl.SSLContext | None = None, private: bool = False
    ) -> None:
        """Raises BadConnection with the field and the remedy."""
        if not addresses:
            raise BadConnection("address: is missing")
        for address in addresses:
            checked_address(address)
        self._addresses = addresses
        self._limits = limits
        self._tls = tls
        self._private = private
        self._last_good = 0

    @property
    def address(self) -> str:
        """The address that a request made now is for."""
        return self._addresses[self._last_good]

    async def exchange(
        self, wire: Wire, make: Callable[[str], Request], deadline: float, *, safe: bool, always_renew: bool = False
    ) -> RawReply:
        """Carry the request that `make` writes for an address. `always_renew`: the same bytes are never sent twice."""
        count = len(self._addresses)
        order = [(self._last_good + step) % count for step in range(count)]
        limits = self._limits if count == 1 else replace(self._limits, attempt_window_s=0)
        for turn, at in enumerate(order):
            address = self._addresses[at]
            left = count - turn
            remaining_s = deadline - asyncio.get_running_loop().time()
            try:
                raw = await wire.exchange(
                    make(address),
                    limits,
                    safe=safe,
                    ssl=self._tls,
                    deadline=deadline,
                    renewed=partial(make, address) if always_renew else None,
                    private=self._private,
                    connect_timeout_s=max(remaining_s, 0.001) / left if left > 1 else None,
                )
            except Unreachable:
                if left == 1:
                    raise
                continue
            self._last_good = at
            return raw
        raise AssertionError("the last address either answers or raises")
