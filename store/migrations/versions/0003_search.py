"""What messages and organisations are searched and listed by: words, addresses, points, names, and the orders that lists are walked in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WORDS = (
    "setweight(to_tsvector('russian'::regconfig, translate(text, 'ёЁ', 'еЕ')), 'A')"
    " || setweight(to_tsvector('russian'::regconfig, translate(COALESCE(address, ''), 'ёЁ', 'еЕ')), 'B')"
)
_NAMED = ("organisation", "category", "territory")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    # Room on each page for the next version of a row: a change of status then stays on its page and touches no index.
    op.execute("ALTER TABLE message SET (fillfactor = 75)")
    op.add_column(
        "message",
        sa.Column("words", postgresql.TSVECTOR(), sa.Computed(_WORDS, persisted=True), nullable=False),
    )
    op.create_index("ix_message_received", "message", ["received_at", "id"])
    op.create_index("ix_message_organisation_deadline", "message", ["organisation_code", "deadline_on", "id"])
    op.create_index("ix_message_words", "message", ["words"], postgresql_using="gin")
    op.create_index(
        "ix_message_address",
        "message",
        [sa.text("translate(address, 'ёЁ', 'еЕ') gin_trgm_ops")],
        postgresql_using="gin",
    )
    op.create_index("ix_message_point", "message", [sa.text("point(longitude, latitude)")], postgresql_using="gist")
    op.create_index("ix_answer_organisation_observed", "answer", ["organisation_code", "observed_at", "id"])
    for table in _NAMED:
        op.create_index(
            f"ix_{table}_names",
            table,
            [sa.text("translate(name_ru || ' ' || name_en, 'ёЁ', 'еЕ') gin_trgm_ops")],
            postgresql_using="gin",
        )


def downgrade() -> None:
    for table in _NAMED:
        op.drop_index(f"ix_{table}_names", table)
    op.drop_index("ix_answer_organisation_observed", "answer")
    for index in ("point", "address", "words", "organisation_deadline", "received"):
        op.drop_index(f"ix_message_{index}", "message")
    op.drop_column("message", "words")
    op.execute("ALTER TABLE message RESET (fillfactor)")
    op.execute("DROP EXTENSION IF EXISTS pg_trgm")
