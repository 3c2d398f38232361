"""Runs migrations on the connection it is given by `store.migrate`; has no configuration file of its own."""

from __future__ import annotations

from alembic import context

from store.tables import Base


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """The job engine keeps its own tables; comparing them with ours would want to drop them."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, transaction_per_migration=False, include_name=is_ours
)
with context.begin_transaction():
    context.run_migrations()
