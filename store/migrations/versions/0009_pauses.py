"""Agencies that are left alone for a while, by direction and with a reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agency_pause",
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("direction IN ('sending', 'reading')", name=op.f("ck_agency_pause_direction")),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_agency_pause_organisation_code")
        ),
        sa.PrimaryKeyConstraint("organisation_code", "direction", name=op.f("pk_agency_pause")),
    )


def downgrade() -> None:
    op.drop_table("agency_pause")
