"""Constraints that let answers go out as PostgreSQL writes them: finite numbers, whole routes, known kinds and levels."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ORGANISATION_KINDS = (
    "'government', 'executive-body', 'inspection', 'local-administration', 'budget-institution', 'contractor',"
    " 'other-state', 'other'"
)
_CHECKS = (
    ("message", "latitude", "latitude BETWEEN -90 AND 90"),
    ("message", "longitude", "longitude BETWEEN -180 AND 180"),
    ("message", "accuracy", "accuracy_m BETWEEN 0 AND 100000"),
    (
        "message",
        "whole_route",
        "(route_rule IS NULL) = (route_reason_ru IS NULL) AND (route_rule IS NULL) = (route_reason_en IS NULL)",
    ),
    ("territory", "kind", "kind IN ('region', 'municipal-district', 'urban-okrug')"),
    ("organisation", "kind", f"kind IN ({_ORGANISATION_KINDS})"),
    ("organisation", "level", "level IN ('federal', 'regional', 'municipal', 'settlement', 'subordinate')"),
)


def upgrade() -> None:
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def downgrade() -> None:
    for table, name, _ in reversed(_CHECKS):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
