"""Roles granted to people, and the trees of organisations and territories made flat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROLES = (
    "registrar",
    "moderator",
    "dispatcher",
    "executor",
    "approver",
    "head",
    "controller",
    "analyst",
    "mfc-operator",
    "integrator",
    "administrator",
)


def upgrade() -> None:
    for tree in ("organisation", "territory"):
        _flat_tree(tree)
    op.create_table(
        "role_grant",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(*_ROLES, name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > begins_at", name=op.f("ck_role_grant_dates")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_role_grant_person_id")),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_role_grant_organisation_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    op.create_index("ix_role_grant_person", "role_grant", ["person_id"])


def _flat_tree(tree: str) -> None:
    """Each node beside each node above it, itself included, and the function that brings this in line with the tree."""
    op.create_table(
        f"{tree}_above",
        sa.Column(f"{tree}_code", sa.Text(), nullable=False),
        sa.Column("above_code", sa.Text(), nullable=False),
        sa.Column("distance", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint([f"{tree}_code"], [f"{tree}.code"], name=op.f(f"fk_{tree}_above_{tree}_code")),
        sa.ForeignKeyConstraint(["above_code"], [f"{tree}.code"], name=op.f(f"fk_{tree}_above_above_code")),
        sa.PrimaryKeyConstraint(f"{tree}_code", "above_code", name=op.f(f"pk_{tree}_above")),
    )
    op.create_index(f"ix_{tree}_above_above", f"{tree}_above", ["above_code", f"{tree}_code"])
    # The names are the two above, not input.
    op.execute(f"""
        CREATE FUNCTION refresh_{tree}_above() RETURNS void LANGUAGE sql AS $$
            WITH RECURSIVE climbed AS (
                SELECT code AS node, code AS above, 0 AS distance FROM {tree}
                UNION ALL
                SELECT climbed.node, {tree}.parent_code, climbed.distance + 1
                FROM climbed JOIN {tree} ON {tree}.code = climbed.above
                WHERE {tree}.parent_code IS NOT NULL
            ),
            gone AS (
                DELETE FROM {tree}_above AS kept
                WHERE NOT EXISTS (
                    SELECT FROM climbed WHERE climbed.node = kept.{tree}_code AND climbed.above = kept.above_code
                )
            )
            INSERT INTO {tree}_above AS kept ({tree}_code, above_code, distance)
            SELECT node, above, distance FROM climbed
            ON CONFLICT ({tree}_code, above_code) DO UPDATE SET distance = excluded.distance
            WHERE kept.distance <> excluded.distance
        $$
    """)  # noqa: S608
    op.execute(f"SELECT refresh_{tree}_above()")


def downgrade() -> None:
    op.drop_table("role_grant")
    for tree in ("territory", "organisation"):
        op.execute(f"DROP FUNCTION refresh_{tree}_above()")
        op.drop_table(f"{tree}_above")
