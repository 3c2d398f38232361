"""A fake Open311 server: GeoReport v2 with `servicerequestupdates`, in JSON and XML. Written from the specification and the extension.

Behaviours kept: replies are lists, also of one; errors are a list of `{code, description}`; a server may answer with a `token` and make the
number later (Q10); times with a zone; `status` is open or closed; updates are asked for by date.
"""

from tests.fakes.open311.server import Open311

__all__ = ["Open311"]
