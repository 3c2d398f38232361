"""What SOAP services of different makes want to see beyond the standard, agency by agency; nothing of it is process-wide (Q2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.soap.wsdl import Version

ActionStyle = Literal["quoted", "plain", "empty", "content-type", "none"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """`action` says how SOAPAction is written; SOAP 1.2 has it in the Content-Type, or (`none`, `empty`) not at all.

    `typed_values` writes the type of every value (`xsi:type`). `mtom` sends bytes as parts beside the envelope. `reply_charset` counts
    whatever a reply says of itself.
    """

    action: ActionStyle = "quoted"
    typed_values: bool = False
    mtom: bool = False
    request_charset: str = "utf-8"
    reply_charset: str | None = None


def content_headers(dialect: Dialect, version: Version, action: str) -> dict[str, str]:
    """Content-Type, Accept and SOAPAction of one request."""
    style = dialect.action
    media_type = "application/soap+xml" if version == "1.2" else "text/xml"
    in_content_type = style == "content-type" or (version == "1.2" and style in {"quoted", "plain"})
    named = f'; action="{action}"' if in_content_type and action else ""
    headers = {"Content-Type": f"{media_type}; charset={dialect.request_charset}{named}", "Accept": media_type}
    if version == "1.1" and style in {"quoted", "plain", "empty"}:
        headers["SOAPAction"] = {"quoted": f'"{action}"', "plain": action, "empty": '""'}[style]
    return headers
