"""Two protocols without a server of theirs: packets in a folder, and mail.

Promises: every default is the careful one (nothing is read before it rests, mail goes encrypted or not at all); both speak by `operation:
send`, `read` and `archive`, and nothing is ever deleted.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model_scalars import DurationS, Flag, SecretText, WithVariables, Word
from agencies.source import FileModel

_PATH = re.compile(r"@?[^\s.@]+(\.@?[^\s.@]+)*")
_FILE_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|.][^\x00-\x1f\x7f/\\:*?\"<>|]{0,99}")
_REPLY_TO = re.compile(r"[A-Za-z0-9._-]{1,30}\+\{case\}@[A-Za-z0-9.-]{1,190}")
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise PydanticCustomError("bad-path", "must be names joined by dots, such as `communication.files.file`")
    return text


def _file_name(text: str) -> str:
    if not _FILE_NAME.fullmatch(text):
        raise PydanticCustomError("bad-name", "must be one name of a file or folder, such as `document.xml`")
    return text


def _reply_to(text: str) -> str:
    if not _REPLY_TO.fullmatch(text):
        raise PydanticCustomError(
            "bad-address", "must be an address with `{case}`, such as `reply+{case}@okno.example`"
        )
    return text


def _mailbox(text: str) -> str:
    if not _MAILBOX.fullmatch(text):
        raise PydanticCustomError("bad-address", "must be a mail address such as `okno@okno.example`")
    return text


XmlPath = Annotated[str, Field(max_length=300), AfterValidator(_path)]
FileName = Annotated[str, Field(max_length=100), AfterValidator(_file_name)]
Hash = Literal["sha256", "sha512", "sha1", "md5"]


class ListedFiles(FileModel):
    """Where a document lists the files of its packet; `@name` is an attribute, prefixes are left out."""

    at: XmlPath = Field(description="the elements, such as `communication.files.file`")
    name: XmlPath = Field(description="the file's name in one of them, such as `@localName`")
    digest: XmlPath | None = Field(default=None, description="its hash in hex, where there is one")
    algorithm: Hash | None = Field(
        default=None, description="how the hash is computed; without it any known one may fit"
    )


class ReceiptHashes(FileModel):
    """Where a receipt lists the hashes of the files that they received from us."""

    packet: XmlPath = Field(description="name of our packet in it: what `headers.packet` was when it was sent")
    at: XmlPath = Field(description="the elements")
    name: XmlPath = Field(description="the file's name in one of them")
    digest: XmlPath = Field(description="its hash in hex")
    algorithm: Annotated[str, Field(max_length=300)] | None = Field(
        default=None,
        description="`sha256`, `sha512`, `sha1` or `md5`, or the path of the attribute that names it; what cannot be computed here is not "
        "compared",
    )


class Folder(FileModel):
    """How packets are exchanged in the folder of `address`."""

    document: FileName = Field(
        default="document.xml",
        description="name of the XML document in a packet; in a packet of theirs without it, the only XML file. In `send`, `@name` is an "
        "attribute, and `name#1`, `name#2` are two elements called `name`",
    )
    packs_as: Literal["folder", "zip"] = Field(
        default="folder", description="what a packet of ours is; theirs may be either, or a lone XML file"
    )
    out: FileName = Field(default="out", description="folder for our packets")
    in_: FileName = Field(default="in", alias="in", description="folder of their packets")
    archive: FileName = Field(default="archive", description="where packets that were read go; nothing is deleted")
    settles: DurationS = Field(default=30.0, description="a packet is read when nothing in it changed for so long")
    gives_up_after: DurationS = Field(
        default=3600.0, description="a packet that is still not whole then comes as an item with `problem`"
    )
    files: ListedFiles | None = Field(default=None, description="where a document lists its files")
    receipts: ReceiptHashes | None = Field(default=None, description="where a receipt lists hashes of ours")
    envelope: FileName | None = Field(
        default=None,
        description="name of an ini file beside the document; its rows stand under `form` as `section.key`",
    )
    envelope_files: Word | None = Field(default=None, description="section of the envelope that lists the files")


class Mail(FileModel):
    """How mail goes out and comes back. `address` is the server it goes out by: `smtps://host` or `smtp://host:587`."""

    from_: Annotated[str, AfterValidator(_mailbox)] = Field(alias="from", description="the address we write from")
    reply_to: Annotated[str, AfterValidator(_reply_to)] = Field(
        description="where replies go, with `{case}` for the case: `reply+{case}@okno.example`"
    )
    key: SecretText = Field(
        description="what makes these addresses impossible to guess, always as ${NAME}; 16 characters at least"
    )
    inbox: WithVariables = Field(
        description="where replies arrive: `imaps://host/INBOX`, `imap://host/INBOX`, or the whole path of a Maildir"
    )
    inbox_username: WithVariables | None = Field(default=None, description="user name there, best as ${NAME}")
    inbox_password: SecretText | None = Field(default=None, description="its password, always as ${NAME}")
    archive: FileName = Field(
        default="Okno", description="folder of the inbox where read mail goes; nothing is deleted"
    )
    encryption: Literal["required", "if-offered"] = Field(
        default="required", description="`if-offered`: mail may leave in clear; a password never does"
    )
    keeps_quotes: Flag = Field(default=False, description="`true`: what a reply quotes of ours stays in its text")

    @model_validator(mode="after")
    def _signs_in_whole(self) -> Mail:
        if (self.inbox_username is None) != (self.inbox_password is None):
            raise PydanticCustomError("missing-key", "`inbox_username` and `inbox_password` need each other")
        return self
