"""The queue of the fake СМЭВ-3, and the agency behind it."""

from __future__ import annotations

import base64
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.product import stamp
from tests.fakes.soap_product import Asked, Says, SoapProduct


@dataclass
class Request:
    """A request that the queue took for the agency: what it says by element, and its files: type, bytes."""

    message_id: str
    said: dict[str, str]
    files: list[tuple[str, bytes]] = field(default_factory=list)


class Smev3(SoapProduct):
    """One queue with one information system as its client."""

    path = "/ws"
    namespace = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types/1.3"
    qualified = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: dict[str, Request] = {}
        self.answers: deque[dict[str, Any]] = deque()
        self.acknowledged: list[str] = []
        self.stands = False
        """The queue takes nothing now."""

    def reply_name(self, operation: str) -> str:
        return operation.removesuffix("Request") + "Response"

    # What happens at the agency

    def says(self, message_id: str, state: str, comment: str = "", answer: str = "") -> str:
        """The agency answers with a content of the agreed kind; returns the identifier of its message."""
        said = {"MessageResponse": {"State": state, "Comment": comment or None, "Answer": answer or None}}
        return self._queue(message_id, {"MessagePrimaryContent": said})

    def rejects(self, message_id: str, code: str, why: str) -> str:
        """The agency does not take the request."""
        return self._queue(
            message_id, {"RequestRejected": {"RejectionReasonCode": code, "RejectionReasonDescription": why}}
        )

    def reports(self, message_id: str, code: int, why: str) -> str:
        """An intermediate status."""
        return self._queue(message_id, {"RequestStatus": {"StatusCode": code, "StatusDescription": why}})

    def _queue(self, original: str, content: dict[str, Any]) -> str:
        own = str(uuid.uuid1())
        self.answers.append(
            {
                "Response": {
                    "@Id": "r",
                    "OriginalMessageId": original,
                    "SenderProvidedResponseData": {"MessageID": own, **content},
                    "MessageMetadata": {"MessageId": own, "SendingTimestamp": stamp(self.clock.passes(1))},
                }
            }
        )
        return own

    # Operations

    def on_SendRequestRequest(self, asked: Asked) -> dict[str, Any]:  # noqa: N802 - the operation's own name
        """Take a message for the agency."""
        if self.stands:
            raise Says("soap:Server", "SMEV-999: QuoteLimitExceeded")
        message_id = asked["SenderProvidedRequestData.MessageID"]
        if uuid.UUID(message_id).version != 1:
            raise Says("soap:Client", "SMEV-101: InvalidMessageIdFormat")
        if message_id in self.requests:
            raise Says("soap:Client", "SMEV-102: MessageIsAlreadySent")
        content = asked.all("SenderProvidedRequestData.MessagePrimaryContent.CitizenMessage")
        if not content or not content[0]["Reference"]:
            raise Says("soap:Client", "SMEV-110: InvalidContent")
        said = {name: content[0][name] for name in content[0].names}
        headers = [
            (one["contentId"], one["MimeType"])
            for one in asked.all("SenderProvidedRequestData.AttachmentHeaderList.AttachmentHeader")
        ]
        contents = {
            one["Id"]: base64.b64decode(one["Content"]) for one in asked.all("AttachmentContentList.AttachmentContent")
        }
        files = [(kind, contents[name]) for name, kind in headers]
        self.requests[message_id] = Request(message_id, said, files)
        metadata = {"MessageId": message_id, "MessageType": "REQUEST", "Status": "requestIsQueued"}
        return {"MessageMetadata": {**metadata, "SendingTimestamp": stamp(self.clock.passes(1))}}

    def on_GetResponseRequest(self, asked: Asked) -> dict[str, Any]:  # noqa: N802
        """The first answer that nobody has acknowledged."""
        return {"ResponseMessage": self.answers[0]} if self.answers else {}

    def on_AckRequest(self, asked: Asked) -> dict[str, Any]:  # noqa: N802
        """Take an answer out of the queue."""
        target = asked["AckTargetMessage"]
        for answer in list(self.answers):
            if answer["Response"]["MessageMetadata"]["MessageId"] == target:
                self.answers.remove(answer)
                self.acknowledged.append(target)
                return {}
        raise Says("soap:Client", "SMEV-120: TargetMessageIsNotFound")
