"""A fake of Znuny's web service `GenericTicketConnectorSOAP`, written from its documentation and the element names of its WSDL.

Behaviours kept: every error is an element `Error` inside HTTP 200 (Q6, Q49); a session from `SessionCreate`, which can run out;
`TicketSearch` gives bare numbers and reads query times in the zone of the API user while every answer is in UTC (Q46); a search for a dynamic
field that does not exist finds everything (Q18); a dynamic field that does not exist is an error when a ticket is created; no recognition
of repeats; what repeats comes as one element or many (Q5).
"""

from tests.fakes.znuny.server import Znuny

__all__ = ["Znuny"]
