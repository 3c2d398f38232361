"""Renderings: what lists show of a message, made once and kept; forgotten in the transaction that changes the message."""

# ruff: noqa: S608 - every statement is put together from names that stand in this file

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OF = "SELECT message_id FROM changed"
_EVERY_WAY = ("insert", "update", "delete")
_MESSAGE_OF: dict[str, tuple[tuple[str, ...], str]] = {
    # No rendering knows a message that is new, and a history is only added to.
    "message": (("update", "delete"), "SELECT id FROM changed"),
    "event": (("insert",), _OF),
    "answer": (_EVERY_WAY, _OF),
    "attachment": (_EVERY_WAY, f"{_OF} WHERE message_id IS NOT NULL"),
    "agency_case": (_EVERY_WAY, _OF),
    "verdict": (_EVERY_WAY, "SELECT a.message_id FROM changed c JOIN answer a ON a.id = c.answer_id"),
}
"""Tables that a rendering may read; by which changes their rows change it, and whose messages these concern."""
_NAMED = ("category", "organisation", "territory")
"""Tables whose rows a rendering may name."""


def upgrade() -> None:
    op.create_table(
        "rendered_shape",
        sa.Column("number", sa.SmallInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("down_to", sa.UUID(), nullable=True),
        sa.Column("is_filled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rendered_shape")),
        sa.UniqueConstraint("digest", name=op.f("uq_rendered_shape_digest")),
    )
    op.create_table(
        "rendering",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("shape", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "shape", name=op.f("pk_rendering")),
    )
    op.create_table("rendering_due", sa.Column("message_id", sa.UUID(), nullable=False))
    # Its rows live for seconds.
    op.execute("ALTER TABLE rendering_due SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)")
    op.execute("INSERT INTO read_version (name, version) VALUES ('names', 0)")
    for table, (ways, messages) in _MESSAGE_OF.items():
        for statement in _forgetting(table, ways, messages):
            op.execute(statement)
    for table in _NAMED:
        for statement in _renaming(table):
            op.execute(statement)


def _forgetting(table: str, ways: Sequence[str], messages: str) -> list[str]:
    """Whoever changes a message holds its lock until the end of the transaction, and only then forgets: who renders takes the lock first, and so
    either waits for nobody's change or leaves the message for later. 3139 is the lock's class (store/renderings.py)."""
    function = f"forget_renderings_by_{table}"
    made = f"""
        CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            concerned uuid[] := ARRAY({messages});
        BEGIN
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE EXCEPTION 'messages are changed in READ COMMITTED transactions: an older snapshot cannot see what was rendered since';
            END IF;
            PERFORM pg_advisory_xact_lock_shared(3139, bucket)
                FROM (SELECT DISTINCT uuid_hash(id) & 1023 AS bucket FROM unnest(concerned) AS id ORDER BY 1) AS buckets;
            IF EXISTS (SELECT FROM rendered_shape) THEN
                DELETE FROM rendering WHERE message_id = ANY(concerned);
                INSERT INTO rendering_due SELECT DISTINCT id FROM unnest(concerned) AS id;
            END IF;
            RETURN NULL;
        END $$
    """
    made_by = [
        f"CREATE TRIGGER forget_renderings_on_{way} AFTER {way} ON {table} "
        f"REFERENCING {'OLD' if way == 'delete' else 'NEW'} TABLE AS changed "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        for way in ways
    ]
    return [made, *made_by]


def _renaming(table: str) -> list[str]:
    """A row that was renamed makes every rendering old. New rows are named by none yet."""
    function = f"renew_names_by_{table}"
    made = f"""
        CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'TRUNCATE' OR TG_OP = 'DELETE' THEN
                UPDATE read_version SET version = pg_current_xact_id()::text::bigint WHERE name = 'names';
            ELSIF EXISTS (
                SELECT FROM was FULL JOIN changed USING (code)
                WHERE was.* IS DISTINCT FROM changed.*
            ) THEN
                UPDATE read_version SET version = pg_current_xact_id()::text::bigint WHERE name = 'names';
            END IF;
            RETURN NULL;
        END $$
    """
    run = f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    return [
        made,
        (
            f"CREATE TRIGGER renew_names_on_update AFTER UPDATE ON {table} "
            f"REFERENCING OLD TABLE AS was NEW TABLE AS changed {run}"
        ),
        f"CREATE TRIGGER renew_names_on_removal AFTER DELETE OR TRUNCATE ON {table} {run}",
    ]


def downgrade() -> None:
    for table in _NAMED:
        op.execute(f"DROP TRIGGER renew_names_on_removal ON {table}")
        op.execute(f"DROP TRIGGER renew_names_on_update ON {table}")
        op.execute(f"DROP FUNCTION renew_names_by_{table}()")
    for table, (ways, _) in _MESSAGE_OF.items():
        for way in ways:
            op.execute(f"DROP TRIGGER forget_renderings_on_{way} ON {table}")
        op.execute(f"DROP FUNCTION forget_renderings_by_{table}()")
    op.execute("DELETE FROM read_version WHERE name = 'names'")
    for table in ("rendering_due", "rendering", "rendered_shape"):
        op.drop_table(table)
