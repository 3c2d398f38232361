"""A fake of the СМЭВ-3 message queue: SendRequest, GetResponse, Ack. Written from the public parts of its schema and its lists of errors.

Behaviours kept: a message is sent once by its MessageID, which must be a UUID of version 1; answers wait in a queue and come one at a
time, again and again until Ack; attachments lie beside the body. Signatures are not judged: the fake has none.
"""

from tests.fakes.smev3.queue import Smev3

__all__ = ["Smev3"]
