"""Wishes for a case that is there: a comment, a reopening, a priority, each with what it says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CHECK = "ck_delivery_purpose"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("body", JSONB(), nullable=True))
    op.drop_constraint(op.f(_CHECK), "delivery", type_="check")
    purposes = "'SUBMIT', 'WITHDRAW', 'ADD_COMMENT', 'REOPEN', 'SET_PRIORITY'"
    op.create_check_constraint(op.f(_CHECK), "delivery", f"purpose IN ({purposes})")


def downgrade() -> None:
    op.drop_constraint(op.f(_CHECK), "delivery", type_="check")
    op.create_check_constraint(op.f(_CHECK), "delivery", "purpose IN ('SUBMIT', 'WITHDRAW')")
    op.drop_column("delivery", "body")
