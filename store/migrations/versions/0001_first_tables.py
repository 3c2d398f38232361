"""First tables: registry, messages and their history, the ledger of deliveries, the inbox; and the job engine's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from store.types import XID8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "category",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_ru", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rubricator_version", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["parent_code"], ["category.code"], name=op.f("fk_category_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_category")),
    )
    op.create_index(op.f("ix_category_parent_code"), "category", ["parent_code"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_person_issuer_subject")),
    )
    op.create_table(
        "territory",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_ru", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent_code"], ["territory.code"], name=op.f("fk_territory_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_territory")),
    )
    op.create_index(op.f("ix_territory_parent_code"), "territory", ["parent_code"], unique=False)
    op.create_table(
        "organisation",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_ru", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("territory_code", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("has_system", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["parent_code"], ["organisation.code"], name=op.f("fk_organisation_parent_code")),
        sa.ForeignKeyConstraint(["territory_code"], ["territory.code"], name=op.f("fk_organisation_territory_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_organisation")),
    )
    op.create_index(op.f("ix_organisation_parent_code"), "organisation", ["parent_code"], unique=False)
    op.create_table(
        "feed_cursor",
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("position", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_feed_cursor_organisation_code")
        ),
        sa.PrimaryKeyConstraint("organisation_code", name=op.f("pk_feed_cursor")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'new'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source IN ('webhook', 'poll')", name=op.f("ck_inbox_source")),
        sa.CheckConstraint("state IN ('new', 'done', 'broken')", name=op.f("ck_inbox_state")),
        sa.ForeignKeyConstraint(["organisation_code"], ["organisation.code"], name=op.f("fk_inbox_organisation_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_new", "inbox", ["organisation_code", "id"], unique=False, postgresql_where=sa.text("state = 'new'")
    )
    op.create_table(
        "message",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "regime",
            sa.Enum(
                "MESSAGE",
                "APPEAL_59FZ",
                "PRETRIAL_COMPLAINT",
                name="regime",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "PORTAL",
                "MOBILE_APP",
                "WIDGET",
                "SOCIAL",
                "MFC",
                "POST",
                "OPERATOR",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column(
            "category_source",
            sa.Enum(
                "CITIZEN",
                "KEYWORDS",
                "MODERATOR",
                name="categorysource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("category_confidence", sa.Double(), nullable=True),
        sa.Column("rubricator_version", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column(
            "place_source",
            sa.Enum(
                "GPS",
                "MAP_PIN",
                "PHOTO",
                "TYPED_ADDRESS",
                name="placesource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("territory_code", sa.Text(), nullable=True),
        sa.Column("organisation_code", sa.Text(), nullable=True),
        sa.Column("chosen_organisation_code", sa.Text(), nullable=True),
        sa.Column("route_rule", sa.Text(), nullable=True),
        sa.Column("route_reason_ru", sa.Text(), nullable=True),
        sa.Column("route_reason_en", sa.Text(), nullable=True),
        sa.Column("route_warning_ru", sa.Text(), nullable=True),
        sa.Column("route_warning_en", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "RECEIVED",
                "ON_MODERATION",
                "ROUTED",
                "DELIVERED",
                "REGISTERED",
                "IN_PROGRESS",
                "WAITING_FOR_CITIZEN",
                "PLANNED",
                "ANSWERED",
                "SOLVED",
                "CLOSED_UNSOLVED",
                "REFUSED",
                "WITHDRAWN",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_on", sa.Date(), nullable=False),
        sa.Column("deadline_rule", sa.Text(), nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_message_whole_point")),
        sa.ForeignKeyConstraint(["category_code"], ["category.code"], name=op.f("fk_message_category_code")),
        sa.ForeignKeyConstraint(
            ["chosen_organisation_code"], ["organisation.code"], name=op.f("fk_message_chosen_organisation_code")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_message_organisation_code")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_message_person_id")),
        sa.ForeignKeyConstraint(["territory_code"], ["territory.code"], name=op.f("fk_message_territory_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("reference", name=op.f("uq_message_reference")),
    )
    op.create_index(
        "ix_message_organisation_received", "message", ["organisation_code", "received_at", "id"], unique=False
    )
    op.create_index("ix_message_person_received", "message", ["person_id", "received_at", "id"], unique=False)
    op.create_table(
        "turn",
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("poll_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_code"], ["organisation.code"], name=op.f("fk_turn_organisation_code")),
        sa.PrimaryKeyConstraint("organisation_code", name=op.f("pk_turn")),
    )
    op.create_index("ix_turn_due", "turn", ["due_at"], unique=False)
    op.create_table(
        "agency_case",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("foreign_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_agency_case_message_id")),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_agency_case_organisation_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_case")),
        sa.UniqueConstraint(
            "message_id", "organisation_code", "round", name=op.f("uq_agency_case_message_id_organisation_code_round")
        ),
        sa.UniqueConstraint("organisation_code", "case_id", name=op.f("uq_agency_case_organisation_code_case_id")),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_answer_message_id")),
        sa.ForeignKeyConstraint(["organisation_code"], ["organisation.code"], name=op.f("fk_answer_organisation_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("message_id", "version", name=op.f("uq_answer_message_id_version")),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_attachment_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attachment_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_message_id"), "attachment", ["message_id"], unique=False)
    op.create_index(op.f("ix_attachment_person_id"), "attachment", ["person_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum("SUBMIT", "WITHDRAW", name="purpose", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("round", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "QUEUED",
                "READY",
                "IN_FLIGHT",
                "LOOKING_UP",
                "WAITS_FOR_PERSON",
                "ON_DESK",
                "DELIVERED",
                "REFUSED",
                "CANCELLED",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_delivery_message_id"), initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_delivery_organisation_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", "position", name=op.f("uq_delivery_message_id_position")),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["organisation_code", "next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('READY', 'IN_FLIGHT', 'LOOKING_UP')"),
    )
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["state", "waits_since"],
        unique=False,
        postgresql_where=sa.text("state IN ('WAITS_FOR_PERSON', 'ON_DESK')"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tx", XID8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "STATUS",
                "NOTE",
                "ANSWER",
                "VERDICT",
                "DELIVERY",
                name="eventkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "from_status",
            sa.Enum(
                "RECEIVED",
                "ON_MODERATION",
                "ROUTED",
                "DELIVERED",
                "REGISTERED",
                "IN_PROGRESS",
                "WAITING_FOR_CITIZEN",
                "PLANNED",
                "ANSWERED",
                "SOLVED",
                "CLOSED_UNSOLVED",
                "REFUSED",
                "WITHDRAWN",
                name="from_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "RECEIVED",
                "ON_MODERATION",
                "ROUTED",
                "DELIVERED",
                "REGISTERED",
                "IN_PROGRESS",
                "WAITING_FOR_CITIZEN",
                "PLANNED",
                "ANSWERED",
                "SOLVED",
                "CLOSED_UNSOLVED",
                "REFUSED",
                "WITHDRAWN",
                name="to_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("applied", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "actor",
            sa.Enum(
                "hub",
                "agency",
                "citizen",
                "official",
                name="mover",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("organisation_code", sa.Text(), nullable=True),
        sa.Column("foreign_code", sa.Text(), nullable=True),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("note_is_public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_event_message_id")),
        sa.ForeignKeyConstraint(["organisation_code"], ["organisation.code"], name=op.f("fk_event_organisation_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_message", "event", ["message_id", "id"], unique=False)
    op.create_index("ix_event_tx", "event", ["tx", "id"], unique=False)
    op.create_index(
        "uq_event_foreign",
        "event",
        ["organisation_code", "event_key"],
        unique=True,
        postgresql_where=sa.text("event_key IS NOT NULL"),
    )
    op.create_table(
        "held_change",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("change", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'held'"), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('held', 'applied', 'not_ours')", name=op.f("ck_held_change_state")),
        sa.CheckConstraint("why IN ('unknown_code', 'unknown_case', 'unreadable')", name=op.f("ck_held_change_why")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_held_change_inbox_id")),
        sa.ForeignKeyConstraint(
            ["organisation_code"], ["organisation.code"], name=op.f("fk_held_change_organisation_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_change")),
        sa.UniqueConstraint("organisation_code", "event_key", name=op.f("uq_held_change_organisation_code_event_key")),
    )
    op.create_index(
        "ix_held_change_held",
        "held_change",
        ["organisation_code"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "idempotency",
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
            name=op.f("fk_idempotency_message_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_idempotency_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "accepted",
                "refused",
                "try_later",
                "unknown",
                name="outcomekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("foreign_code", sa.Text(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("request_extract", sa.Text(), nullable=True),
        sa.Column("reply_extract", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("delivery_id", "number", name=op.f("uq_attempt_delivery_id_number")),
    )
    op.create_table(
        "delivery_step",
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_step_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "name", name=op.f("pk_delivery_step")),
    )
    op.create_table(
        "verdict",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("answer_id", sa.UUID(), nullable=False),
        sa.Column("person_id", sa.UUID(), nullable=False),
        sa.Column("answer_rating", sa.SmallInteger(), nullable=False),
        sa.Column("solution_rating", sa.SmallInteger(), nullable=False),
        sa.Column(
            "resolution",
            sa.Enum(
                "SOLVED",
                "PARTLY",
                "NOT_SOLVED",
                name="resolution",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("answer_rating BETWEEN 1 AND 5", name=op.f("ck_verdict_answer_rating")),
        sa.CheckConstraint("solution_rating BETWEEN 1 AND 5", name=op.f("ck_verdict_solution_rating")),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_verdict_answer_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_verdict_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint("answer_id", name=op.f("uq_verdict_answer_id")),
    )
    op.execute("CREATE SEQUENCE message_serial INCREMENT BY 64")
    op.execute("""
        CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'history is insert-only: % of table % is refused', TG_OP, TG_TABLE_NAME;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER history_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()
    """)
    # Many statements in one text: only the driver itself takes that.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())


def downgrade() -> None:
    message = "the first migration is not undone: drop the database instead"
    raise RuntimeError(message)
