"""Answers that caches may keep: those of trusted documents, asked by GET and by nobody in particular.

Whoever is not signed in sees what everybody sees, so their answer is public; any other answer is `no-store`. An answer made of reference data
alone is known by the version of these data, and a client that has it is told so without reading anything; any other is known by its bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.documents import Resolved
from store.read_versions import REGISTRY, ReadVersions

_REGISTRY_AGE_S = 300
_COUNTS_AGE_S = 20
_VARY = "Accept, Authorization, Origin"


@dataclass(frozen=True, slots=True)
class Kept:
    """How an answer may be kept: its tag and headers."""

    tag: str
    headers: Mapping[str, str]

    def is_had_by(self, if_none_match: str | None) -> bool:
        """Whether the client names this tag (a weak comparison, as RFC 9110 wants it here)."""
        if not if_none_match:
            return False
        named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
        return self.tag in named or named == ["*"]


class PublicAnswers:
    """Tags public answers for one process."""

    def __init__(self, versions: ReadVersions) -> None:
        self._versions = versions

    async def by_version(self, resolved: Resolved, media: str, tables: frozenset[str]) -> Kept | None:
        """For an answer of reference data alone; None for any other. Raises ReadsAway or ReadTooLong."""
        if not tables or not tables <= REGISTRY:
            return None
        asked = [resolved.document_id.hex(), resolved.operation_name, resolved.variables or {}, media]
        state = json.dumps([*asked, await self._versions.registry()], sort_keys=True)
        return _kept(state.encode("utf-8", "surrogatepass"), _REGISTRY_AGE_S)

    def by_bytes(self, body: bytes, media: str) -> Kept:
        return _kept(media.encode() + b"\n" + body, _COUNTS_AGE_S)


def _kept(known_by: bytes, age_s: int) -> Kept:
    tag = f'"{base64.urlsafe_b64encode(hashlib.sha256(known_by).digest()[:18]).decode()}"'
    control = f"public, max-age={age_s}, stale-while-revalidate={age_s}"
    return Kept(tag, {"etag": tag, "cache-control": control, "vary": _VARY})
