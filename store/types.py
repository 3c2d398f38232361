"""Column types PostgreSQL has and SQLAlchemy does not name."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType


class XID8(UserDefinedType[str]):
    """A transaction id that never wraps around (`xid8`); read as text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


# So that comparing the tables with a live database knows the type.
ischema_names["xid8"] = XID8
