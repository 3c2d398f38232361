"""Wishes of citizens and officials: words and files added later, how urgent a message is, and topics that agencies name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PURPOSES = ("SUBMIT", "WITHDRAW", "ADD_COMMENT", "REOPEN", "SET_PRIORITY")
_KINDS = ("STATUS", "NOTE", "ANSWER", "VERDICT", "DELIVERY")
_KINDS_ADDED = ("COMMENT", "ATTACHMENT", "PRIORITY", "CATEGORY")
_PRIORITIES = ("LOW", "USUAL", "HIGH", "URGENT")


def upgrade() -> None:
    _allow("delivery", "purpose", "purpose", (*_PURPOSES, "ADD_ATTACHMENT"))
    _allow("event", "eventkind", "kind", (*_KINDS, *_KINDS_ADDED))
    op.add_column("message", sa.Column("priority", sa.String(32), server_default="USUAL", nullable=False))
    op.create_check_constraint(op.f("ck_message_priority"), "message", _one_of("priority", _PRIORITIES))
    op.add_column("attachment", sa.Column("delivery_id", sa.UUID(), nullable=True))
    op.create_foreign_key(op.f("fk_attachment_delivery_id"), "attachment", "delivery", ["delivery_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_attachment_delivery_id"), "attachment", type_="foreignkey")
    op.drop_column("attachment", "delivery_id")
    op.drop_constraint(op.f("ck_message_priority"), "message", type_="check")
    op.drop_column("message", "priority")
    # A history is never shortened: what an older version cannot name becomes words that move nothing.
    op.execute("ALTER TABLE event DROP CONSTRAINT ck_event_eventkind")
    op.execute("ALTER TABLE event DISABLE TRIGGER history_is_insert_only")
    op.execute("UPDATE event SET kind = 'NOTE' WHERE kind IN ('COMMENT', 'ATTACHMENT', 'PRIORITY', 'CATEGORY')")
    op.execute("ALTER TABLE event ENABLE TRIGGER history_is_insert_only")
    op.create_check_constraint(op.f("ck_event_eventkind"), "event", _one_of("kind", _KINDS))
    op.execute(
        "DELETE FROM delivery_step USING delivery WHERE delivery_id = delivery.id AND purpose = 'ADD_ATTACHMENT'"
    )
    op.execute("DELETE FROM attempt USING delivery WHERE delivery_id = delivery.id AND purpose = 'ADD_ATTACHMENT'")
    op.execute("DELETE FROM delivery WHERE purpose = 'ADD_ATTACHMENT'")
    _allow("delivery", "purpose", "purpose", _PURPOSES)


def _allow(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    constraint = op.f(f"ck_{table}_{name}")
    op.drop_constraint(constraint, table, type_="check")
    op.create_check_constraint(constraint, table, _one_of(column, values))


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
