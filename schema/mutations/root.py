"""Mutation: the verbs. Each is one file; here they get their names and arguments."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.file_uploads import Upload

from domain.message import Resolution
from schema.context import Context
from schema.fields import mutation
from schema.mutations.add_attachments import AddAttachmentsInput, AddAttachmentsPayload, attach
from schema.mutations.add_comment import AddCommentInput, AddCommentPayload, comment
from schema.mutations.rate_answer import RateAnswerPayload, rate
from schema.mutations.reopen_message import ReopenMessageInput, ReopenMessagePayload, reopen
from schema.mutations.set_priority import SetPriorityInput, SetPriorityPayload, prioritise
from schema.mutations.submit_message import SubmitMessageInput, SubmitMessagePayload, submit
from schema.mutations.upload_attachment import UploadAttachmentPayload, upload
from schema.mutations.withdraw_message import WithdrawMessagePayload, withdraw

Info = strawberry.Info[Context, None]


@strawberry.type(description="What can be done. Every mutation needs sign-in.")
class Mutation:
    @mutation("Send a message. When a number comes back, the message is safe and will be delivered.")
    async def submit_message(
        self,
        info: Info,
        input: Annotated[SubmitMessageInput, strawberry.argument(description="The message.")],  # noqa: A002 - GraphQL's custom
    ) -> SubmitMessagePayload:
        return await submit(info.context, input)

    @mutation("Add words to your message, also after it was sent. The message itself stays as it was.")
    async def add_comment(
        self,
        info: Info,
        input: Annotated[AddCommentInput, strawberry.argument(description="The words.")],  # noqa: A002 - GraphQL's custom
    ) -> AddCommentPayload:
        return await comment(info.context, input)

    @mutation("Add files to your message, also after it was sent.")
    async def add_attachments(
        self,
        info: Info,
        input: Annotated[AddAttachmentsInput, strawberry.argument(description="The files.")],  # noqa: A002 - GraphQL's custom
    ) -> AddAttachmentsPayload:
        return await attach(info.context, input)

    @mutation("Ask for another consideration of an answered or closed message, at most twice. The deadline stays.")
    async def reopen_message(
        self,
        info: Info,
        input: Annotated[ReopenMessageInput, strawberry.argument(description="Why.")],  # noqa: A002 - GraphQL's custom
    ) -> ReopenMessagePayload:
        return await reopen(info.context, input)

    @mutation("Say how urgent a message is. For the people of the organisation that has it.")
    async def set_priority(
        self,
        info: Info,
        input: Annotated[SetPriorityInput, strawberry.argument(description="How urgent.")],  # noqa: A002 - GraphQL's custom
    ) -> SetPriorityPayload:
        return await prioritise(info.context, input)

    @mutation("Upload one file (multipart), to be named in `submitMessage` or `addAttachments` afterwards.")
    async def upload_attachment(
        self, info: Info, file: Annotated[Upload, strawberry.argument(description="The file, at most 20 MB.")]
    ) -> UploadAttachmentPayload:
        return await upload(info.context, file)

    @mutation("Rate an answer. The verdict is kept unchanged and never changes the message's status.")
    async def rate_answer(
        self,
        info: Info,
        answer: Annotated[strawberry.ID, strawberry.argument(description="The `id` of the answer.")],
        answer_rating: Annotated[int, strawberry.argument(description="How good the answer is, 1 (bad) to 5 (good).")],
        solution_rating: Annotated[
            int, strawberry.argument(description="How well the problem was solved, 1 (bad) to 5 (good).")
        ],
        resolution: Annotated[Resolution, strawberry.argument(description="Whether the problem is gone.")],
        comment: Annotated[
            str | None, strawberry.argument(description="What else there is to say, at most 2 000 characters.")
        ] = None,
    ) -> RateAnswerPayload:
        return await rate(info.context, answer, answer_rating, solution_rating, resolution, comment)

    @mutation("Take a message back. Doing it twice is the same as once.")
    async def withdraw_message(
        self,
        info: Info,
        reference: Annotated[str, strawberry.argument(description="The number of your message.")],
    ) -> WithdrawMessagePayload:
        return await withdraw(info.context, reference)
