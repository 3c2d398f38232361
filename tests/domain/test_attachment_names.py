"""The name of a file as it is stored and shown, whatever the sender's library made of it."""

from __future__ import annotations

import pytest

from domain.attachment import MediaType, stored_name


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("яма.jpg", "яма.jpg"),
        ("%D1%8F%D0%BC%D0%B0.jpg", "яма.jpg"),
        ("100%25.jpg", "100%25.jpg"),
        ("%FF.jpg", "%FF.jpg"),
        ("%D1%8F%2F..%2Fx.jpg", "x.jpg"),
        ("..%2Fx.jpg", "..%2Fx.jpg".strip(".")),
        ("яма.exe", "яма.jpg"),
    ],
)
def test_a_name_is_stored_as_its_owner_wrote_it(sent: str, stored: str) -> None:
    assert stored_name(sent, MediaType.JPEG) == stored
