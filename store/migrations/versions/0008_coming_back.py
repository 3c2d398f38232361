"""What coming back needs: several feeds of one agency, what a full list last said, and when a held change is tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_EMPTY = sa.text("''")
_NO_LIST = sa.text("'[]'::jsonb")


def upgrade() -> None:
    op.add_column("inbox", sa.Column("feed", sa.Text(), server_default=_EMPTY, nullable=False))
    _replace_check("inbox", "source", "source IN ('webhook', 'poll', 'ask')")
    op.add_column("held_change", sa.Column("tried_with", sa.Text(), nullable=True))
    op.add_column("held_change", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    _replace_check("held_change", "why", "why IN ('unknown_code', 'unknown_case', 'unreadable', 'too_early')")
    _replace_check("held_change", "state", "state IN ('held', 'applied', 'not_ours', 'superseded')")
    op.add_column("feed_cursor", sa.Column("feed", sa.Text(), server_default=_EMPTY, nullable=False))
    for name in ("due_at", "reading_since", "alarm_since"):
        op.add_column("feed_cursor", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("feed_cursor", sa.Column("alarm", sa.Text(), nullable=True))
    op.drop_constraint("pk_feed_cursor", "feed_cursor", type_="primary")
    op.create_primary_key("pk_feed_cursor", "feed_cursor", ["organisation_code", "feed"])
    op.create_table(
        "listed_case",
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("digests", postgresql.JSONB(), server_default=_NO_LIST, nullable=False),
        sa.Column("digests_before", postgresql.JSONB(), server_default=_NO_LIST, nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_listed_case_organisation_code")
        ),
        sa.PrimaryKeyConstraint("organisation_code", "feed", "case_id", name=op.f("pk_listed_case")),
    )


def downgrade() -> None:
    op.drop_table("listed_case")
    op.execute("DELETE FROM feed_cursor WHERE feed <> ''")
    op.drop_constraint("pk_feed_cursor", "feed_cursor", type_="primary")
    op.create_primary_key("pk_feed_cursor", "feed_cursor", ["organisation_code"])
    for name in ("feed", "due_at", "reading_since", "alarm_since", "alarm"):
        op.drop_column("feed_cursor", name)
    op.execute("UPDATE held_change SET state = 'applied' WHERE state = 'superseded'")
    op.execute("UPDATE held_change SET why = 'unknown_code' WHERE why = 'too_early'")
    _replace_check("held_change", "state", "state IN ('held', 'applied', 'not_ours')")
    _replace_check("held_change", "why", "why IN ('unknown_code', 'unknown_case', 'unreadable')")
    op.drop_column("held_change", "due_at")
    op.drop_column("held_change", "tried_with")
    op.execute("UPDATE inbox SET source = 'poll' WHERE source = 'ask'")
    _replace_check("inbox", "source", "source IN ('webhook', 'poll')")
    op.drop_column("inbox", "feed")


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
