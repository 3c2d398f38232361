"""Sample messages: invented ones, kept beside an agency file for its examples and for dry runs."""

from __future__ import annotations

import hashlib
import pathlib
from datetime import datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AwareDatetime, Field

from adapters.context import AttachmentContext, MessageContext
from agencies.source import FileFaults, FileModel, Source, raw_of
from agencies.yaml_tree import decode

_Text = Annotated[str, Field(min_length=1, max_length=20_000)]
_LARGEST_BYTES = 20_000_000


class SampleAttachment(FileModel):
    """One attachment of a sample message."""

    name: _Text = Field(description="file name")
    media_type: _Text = Field(default="image/jpeg", description="media type")
    file: _Text | None = Field(
        default=None, description="its content, a file beside the sample; else a few bytes are invented"
    )


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
    attachments_count: int | None = Field(
        default=None, ge=0, description="attachments that follow, unless they are listed"
    )
    attachments: tuple[SampleAttachment, ...] = Field(default=(), description="the attachments themselves")
    channel: _Text = Field(default="portal", description="where it came from")


def load_sample(path: pathlib.Path) -> MessageContext:
    """The message of a sample file. Raises FileFaults."""
    source, sample, message = _known(str(path), raw_of(path))
    if all(one.file is None for one in sample.attachments):
        return message
    return message_of(sample, tuple(_attachment(source, number, one) for number, one in enumerate(sample.attachments)))


# The agencies on one product have the samples in common. The content is a part of the key, so a change is seen.
@lru_cache(maxsize=64)
def _known(file: str, raw: bytes) -> tuple[Source, SampleMessage, MessageContext]:
    """A sample, and its message with invented attachments. Raises FileFaults, which are not kept."""
    source = Source.parse(decode(raw, file), file)
    sample = source.typed(SampleMessage)
    return source, sample, message_of(sample)


def message_of(sample: SampleMessage, attachments: tuple[AttachmentContext, ...] | None = None) -> MessageContext:
    """The message of a sample; without `attachments` their contents are invented from their names."""
    if attachments is None:
        attachments = tuple(invented_attachment(number, one) for number, one in enumerate(sample.attachments))
    values = sample.model_dump()
    received_at: datetime = values.pop("received_at")
    count = len(attachments) if sample.attachments_count is None else sample.attachments_count
    return MessageContext(received_at=received_at, **{**values, "attachments": attachments, "attachments_count": count})


def sample_of(message: MessageContext) -> SampleMessage:
    """A message as a sample file would say it; attachments keep their names only."""
    known = {name: getattr(message, name) for name in SampleMessage.model_fields if name != "attachments"}
    files = tuple(SampleAttachment(name=one.name, media_type=one.media_type) for one in message.attachments)
    return SampleMessage(**known, attachments=files)


def invented_attachment(number: int, sample: SampleAttachment, content: bytes | None = None) -> AttachmentContext:
    """An attachment whose content says whose it is, unless it is given."""
    content = f"what {sample.name} holds".encode() if content is None else content
    return AttachmentContext(
        id=f"0197b0a0-0000-7000-8000-0000000000a{number % 10}",
        name=sample.name,
        media_type=sample.media_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        number=number + 1,
        link=f"https://hub.example/files/sample-{number + 1}",
    )


def _attachment(source: Source, number: int, sample: SampleAttachment) -> AttachmentContext:
    if sample.file is None:
        return invented_attachment(number, sample)
    at = ("attachments", number, "file")
    folder = source.folder_of(at).resolve()
    path = (folder / sample.file).resolve()
    if not path.is_relative_to(folder):
        raise FileFaults([source.fault(at, "outside-the-folder", "the content lies beside the sample or below")])
    if not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
        text = f"there is no such file of at most {_LARGEST_BYTES:,} bytes"
        raise FileFaults([source.fault(at, "unreadable", text)])
    return invented_attachment(number, sample, path.read_bytes())
