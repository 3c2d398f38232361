"""Where a host name may lead: an agency's name must not open a way into our own network.

Whoever answers for a name can point it anywhere, also after it was checked (DNS rebinding). So every address a name leads to is judged
at the moment of connecting, and the connection goes to exactly that address. An address in digits was written by the operator and is
taken as it is; nobody's case system lives at a link-local, multicast or unspecified address, however it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AddressFamily

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from connectors.base import BadConnection, NotSent

_only_public: ContextVar[bool] = ContextVar("only_public", default=False)


@contextmanager
def only_public(wanted: bool) -> Iterator[None]:
    """While this runs, a name that leads into a private network is refused, when that is wanted."""
    token = _only_public.set(wanted)
    try:
        yield
    finally:
        _only_public.reset(token)


class GuardedResolver(AbstractResolver):
    """Asks the machine's own resolver and judges every address it names."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        """`inner` is the machine's own unless given. Call inside the running loop."""
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError for an unknown one, NotSent when one of its addresses may not be used."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            _judge(host, ip_address(one["host"].partition("%")[0]))
        return found

    async def close(self) -> None:
        """Nothing is held beyond the inner resolver."""
        await self._inner.close()


def check_literal(host: str) -> None:
    """Raises BadConnection for an address in digits where no agency can be."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return
    if _is_never_an_agency(address):
        raise BadConnection("address: is link-local, multicast or unspecified; no agency can be there")


def _judge(host: str, address: IPv4Address | IPv6Address) -> None:
    if _is_never_an_agency(address):
        raise NotSent("the host name of `address` leads to a link-local, multicast or unspecified address: refused")
    is_ours = host.lower().rstrip(".") == "localhost"
    if _only_public.get() and not is_ours and not _plain(address).is_global:
        raise NotSent(
            "the host name of `address` leads into a private network: refused; if that is right, write `network: private`"
        )


def _is_never_an_agency(address: IPv4Address | IPv6Address) -> bool:
    plain = _plain(address)
    return plain.is_link_local or plain.is_multicast or plain.is_unspecified


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address that is wrapped into IPv6 means itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
