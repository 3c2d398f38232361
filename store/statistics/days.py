"""Which day something counts for.

A message counts for the day in Moscow on which it was received, wherever it is: a day of the country is one day, and stays what it was. An answer
counts for the day on which it came at its organisation, and a deadline passes at the end of the day there.
"""

from __future__ import annotations

from typing import Final

COUNTRY_ZONE: Final = "Europe/Moscow"
"""Also the zone of a message that has no organisation yet."""
NEAR_DAYS: Final = 2
"""With so many days left or fewer, an open message is near its deadline."""
