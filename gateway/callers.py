"""Who is to be counted together: a person who signed in, else the address they call from.

The address is that of the connection. `X-Forwarded-For` is believed only from the proxies that the operator named, hop by hop from the right, because
everything further left was written by somebody we do not know. Neighbours of one IPv6 network of 64 bits count as one: a single machine has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import HTTPConnection

from domain.viewer import Viewer
from gateway.settings import Network

_MOST_HOPS = 20


def caller_of(connection: HTTPConnection, viewer: Viewer | None, proxies: tuple[Network, ...]) -> str:
    """A key for counting, never shown to anybody."""
    host = connection.client.host if connection.client is not None else None
    return caller_from(viewer, host, tuple(connection.headers.getlist("x-forwarded-for")), proxies)


def caller_from(
    viewer: Viewer | None, host: str | None, forwarded: tuple[str, ...], proxies: tuple[Network, ...]
) -> str:
    """The same by the other end of the connection and what each X-Forwarded-For header says."""
    if viewer is not None:
        return f"person {viewer.person_id}"
    return _calling_from(host, forwarded if proxies else (), proxies)


def address_of(connection: HTTPConnection, proxies: tuple[Network, ...]) -> str | None:
    """The address somebody really calls from, as far as named proxies can be believed; None when nobody knows it."""
    host = connection.client.host if connection.client is not None else None
    address = _address(host, connection.headers.getlist("x-forwarded-for"), proxies)
    return None if address is None else str(address)


@lru_cache(maxsize=1024)
def _calling_from(host: str | None, forwarded: tuple[str, ...], proxies: tuple[Network, ...]) -> str:
    return f"address {_network(_address(host, forwarded, proxies))}"


def _address(
    host: str | None, forwarded: Sequence[str], proxies: Sequence[Network]
) -> IPv4Address | IPv6Address | None:
    nearest = _read(host) if host is not None else None
    if not proxies:
        return nearest
    hops = ",".join(forwarded).split(",")
    for hop in reversed(hops[-_MOST_HOPS:]):
        if nearest is None or not any(nearest in network for network in proxies):
            break
        further = _read(hop.strip())
        if further is None:
            break
        nearest = further
    return nearest


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(address: IPv4Address | IPv6Address | None) -> str:
    if isinstance(address, IPv6Address):
        return f"{int(address) >> 64:x}::/64"
    return str(address)
