"""uploadAttachment: a file is taken in, to be named in a later submitMessage."""

from __future__ import annotations

from typing import Annotated

import strawberry
from starlette.datastructures import UploadFile

from domain.problem import Problem, ProblemsFound
from schema.attachment import Attachment
from schema.context import Context
from schema.errors import InvalidInput, invalid
from schema.plan.declare import by_key
from schema.signed_in import signed_in

UploadAttachmentError = Annotated[
    InvalidInput, strawberry.union("UploadAttachmentError", description="Why a file was not taken.")
]

_NO_FILE = Problem(
    "FILE_MISSING",
    ("file",),
    "Файла нет в запросе. Отправьте multipart/form-data по спецификации GraphQL multipart request и укажите файл в map.",
    "The request holds no file. Send multipart/form-data by the GraphQL multipart request specification and name the file in `map`.",
)


@strawberry.type(description="The stored file, or what is wrong with it.")
class UploadAttachmentPayload:
    attachment: Attachment | None = strawberry.field(description="The file; null when there are errors.")
    errors: list[UploadAttachmentError] = strawberry.field(description="Why it was not taken; then nothing is stored.")


async def upload(context: Context, file: object) -> UploadAttachmentPayload:
    """Check and store a file. `file` is whatever the variable held: the scalar takes any JSON value."""
    viewer = signed_in(context)
    try:
        if not isinstance(file, UploadFile):
            raise ProblemsFound(_NO_FILE)
        stored = await context.uploads.take(viewer.person_id, file)
    except ProblemsFound as found:
        return UploadAttachmentPayload(attachment=None, errors=invalid(context, found.problems))
    return UploadAttachmentPayload(attachment=by_key(Attachment, stored.attachment_id), errors=[])
