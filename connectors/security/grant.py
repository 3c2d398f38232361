"""What one request may carry to prove who we are. Secrets stay out of its `repr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Grant:
    """Headers, query parameters, cookies and values for the places of a call (`credentials.…`).

    `secrets` are the texts in them that must never be shown, in the spelling they have on the wire.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __or__(self, other: Grant) -> Grant:
        """Both together; where they say the same thing differently the other one counts."""
        return Grant(
            {**self.headers, **other.headers},
            {**self.query, **other.query},
            {**self.cookies, **other.cookies},
            {**self.credentials, **other.credentials},
            (*self.secrets, *other.secrets),
        )

    def added_to(self, address: str) -> str:
        """An address with the query parameters after it, whether it has some of its own or not."""
        if not self.query:
            return address
        return address + ("&" if "?" in address else "?") + urlencode(self.query, quote_via=quote)

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers with the cookies among them."""
        if not self.cookies:
            return dict(self.headers)
        return {**self.headers, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
