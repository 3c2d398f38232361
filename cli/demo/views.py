"""A message as its sender sees it through GraphQL; the one selection that the demo reads, follows and counts by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.endpoint import Endpoint

FIELDS = """
  reference
  text
  status
  organisation { code name hasSystem }
  cases { caseId }
  attachments { id }
  deliveries { purpose state attempts }
  answers { id text verdict { answerRating solutionRating resolution } }
"""
PAGE = f"""
query Page($after: String) {{
  viewer {{ messages(first: 100, after: $after) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}
}}
"""
CHANGED = f"subscription Changed($reference: String!) {{ messageChanged(reference: $reference) {{ {FIELDS} }} }}"

RESTING = frozenset({"DELIVERED", "REFUSED", "CANCELLED", "ON_DESK", "WAITS_FOR_PERSON"})


@dataclass(frozen=True, slots=True)
class AnswerView:
    """An answer that came home. `verdict` reads `5/4 SOLVED`."""

    id: str
    text: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """What the citizen sees."""

    reference: str
    text: str
    status: str
    body: str | None
    body_name: str | None
    body_has_system: bool
    cases: tuple[str, ...]
    attachments: int
    deliveries: tuple[tuple[str, str], ...]
    """(purpose, state), in order."""
    answers: tuple[AnswerView, ...]

    @classmethod
    def read(cls, node: Mapping[str, Any]) -> MessageView:
        body = node["organisation"] or {}
        return cls(
            reference=node["reference"],
            text=node["text"],
            status=node["status"],
            body=body.get("code"),
            body_name=body.get("name"),
            body_has_system=bool(body.get("hasSystem")),
            cases=tuple(one["caseId"] for one in node["cases"]),
            attachments=len(node["attachments"]),
            deliveries=tuple((one["purpose"], one["state"]) for one in node["deliveries"]),
            answers=tuple(AnswerView(one["id"], one["text"], _verdict(one["verdict"])) for one in node["answers"]),
        )

    @property
    def submission(self) -> str | None:
        """The state of bringing the message itself to the body; None when there is nothing to bring."""
        return next((state for purpose, state in self.deliveries if purpose == "SUBMIT"), None)

    @property
    def rests(self) -> bool:
        """Nothing more will be sent without a person."""
        return all(state in RESTING for _, state in self.deliveries)


async def read_all(endpoint: Endpoint) -> list[MessageView]:
    """Every message of the endpoint's person, page by page."""
    found: list[MessageView] = []
    after: str | None = None
    while True:
        page = (await endpoint.ask_again(PAGE, {"after": after}))["viewer"]["messages"]
        found += [MessageView.read(node) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _verdict(verdict: Mapping[str, Any] | None) -> str | None:
    return None if verdict is None else f"{verdict['answerRating']}/{verdict['solutionRating']} {verdict['resolution']}"
