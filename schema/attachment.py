"""Attachment: a file of a message. The place and time inside a photo stay on the server (A-069): no field shows them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.plan.declare import stored
from schema.relay import Node
from store.tables import AttachmentRow


@stored(AttachmentRow)
@strawberry.type(description="A file that a citizen gave with a message.")
class Attachment(Node):
    file_name: str = strawberry.field(description="The name of the file, without folders.")
    media_type: str = strawberry.field(description="What the file is by its content, such as `image/jpeg`.")
    size_bytes: int = strawberry.field(description="Its size in bytes.")
    sha256: str = strawberry.field(description="The SHA-256 of its content, 64 hexadecimal digits.")
    uploaded_at: datetime = strawberry.field(description="When it was uploaded.")
