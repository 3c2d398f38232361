"""Sample messages: invented ones, kept beside an agency file for its examples and for dry runs."""

from __future__ import annotations

import pathlib
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from adapters.context import MessageContext
from agencies.source import FileModel, load

_Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class SampleMessage(FileModel):
    """One message as an agency file sees it (`message.*`)."""

    reference: _Text = Field(description="our number")
    id: _Text = Field(default="0197b0a0-0000-7000-8000-000000000001", description="our machine's key")
    subject: _Text = Field(description="one line")
    text: _Text = Field(description="what the citizen wrote: invented, never a real message")
    category: _Text = Field(description="code of the rubricator")
    category_name: _Text = Field(description="name of the category")
    received_at: AwareDatetime = Field(description="a time with its zone")
    latitude: float | None = Field(default=None, ge=-90, le=90, description="degrees north")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="degrees east")
    accuracy_m: float | None = Field(default=None, ge=0, description="metres")
    address: _Text | None = Field(default=None, description="address")
    territory: _Text | None = Field(default=None, description="OKTMO code")
    attachments_count: int = Field(default=0, ge=0, description="attachments that follow")
    channel: _Text = Field(default="portal", description="where it came from")


def load_sample(path: pathlib.Path) -> MessageContext:
    """The message of a sample file. Raises FileFaults."""
    sample = load(path, SampleMessage)
    values = sample.model_dump()
    received_at: datetime = values.pop("received_at")
    return MessageContext(received_at=received_at, **values)
