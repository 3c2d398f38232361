"""A fake of Request Tracker's REST2: tickets, comments, TicketSQL as far as the hub uses it. Written from its documentation.

Behaviours kept: no recognition of repeats; query times are read in the zone of the API user while every answer is in UTC (Q46); a page of at
most 100; a change that is not possible is told in a list of sentences with status 200 (Q45); transactions carry no text.
"""

from tests.fakes.request_tracker.server import RequestTracker

__all__ = ["RequestTracker"]
