"""The words of a message that are not a state: where it came from, by which law it lives, who named its category and its place."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """How the message came to us (A-106)."""

    PORTAL = "PORTAL"
    MOBILE_APP = "MOBILE_APP"
    WIDGET = "WIDGET"
    SOCIAL = "SOCIAL"
    MFC = "MFC"
    POST = "POST"
    OPERATOR = "OPERATOR"


class Regime(StrEnum):
    """The law a message lives by. It sets deadlines, fields and rights, is shown before sending and never changes silently (A-025)."""

    MESSAGE = "MESSAGE"
    APPEAL_59FZ = "APPEAL_59FZ"
    PRETRIAL_COMPLAINT = "PRETRIAL_COMPLAINT"


class PlaceSource(StrEnum):
    """How the point became known (A-068)."""

    GPS = "GPS"
    MAP_PIN = "MAP_PIN"
    PHOTO = "PHOTO"
    TYPED_ADDRESS = "TYPED_ADDRESS"


class CategorySource(StrEnum):
    """Who named the category (A-004)."""

    CITIZEN = "CITIZEN"
    KEYWORDS = "KEYWORDS"
    MODERATOR = "MODERATOR"


class Priority(StrEnum):
    """How urgent a message is, as an official says. The order is that of urgency."""

    LOW = "LOW"
    USUAL = "USUAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


class Resolution(StrEnum):
    """The citizen's own word on whether the problem is gone."""

    SOLVED = "SOLVED"
    PARTLY = "PARTLY"
    NOT_SOLVED = "NOT_SOLVED"
