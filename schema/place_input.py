"""A place as a client gives it."""

from __future__ import annotations

import strawberry

from domain.actions.submit_message import Place
from domain.message import PlaceSource


@strawberry.input(description="A point on the earth, in degrees of WGS 84.")
class PointInput:
    latitude: float = strawberry.field(description="Degrees north, −90 to 90.")
    longitude: float = strawberry.field(description="Degrees east, −180 to 180.")
    accuracy: float | None = strawberry.field(default=None, description="How exact it is, in metres, 0 to 100 000.")
    source: PlaceSource | None = strawberry.field(default=None, description="How it became known.")


@strawberry.input(description="Where the matter lies: a point, an address, a territory, or any of them.")
class PlaceInput:
    point: PointInput | None = strawberry.field(default=None, description="The point.")
    address: str | None = strawberry.field(default=None, description="The address in words, at most 300 characters.")
    territory: str | None = strawberry.field(
        default=None, description="The eight-digit OKTMO code of a municipality or region."
    )


def place_given(place: PlaceInput | None) -> Place | None:
    """The input in the domain's words."""
    if place is None:
        return None
    point = place.point
    return Place(
        latitude=None if point is None else point.latitude,
        longitude=None if point is None else point.longitude,
        accuracy_m=None if point is None else point.accuracy,
        source=None if point is None else point.source,
        address=place.address,
        territory=place.territory,
    )
