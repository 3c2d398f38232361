"""A version of the reference data, so that an answer made of it can be recognised as unchanged without making it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REGISTRY = ("category", "organisation", "organisation_above", "territory", "territory_above")


def upgrade() -> None:
    op.create_table(
        "read_version",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_read_version")),
    )
    op.execute("INSERT INTO read_version (name, version) VALUES ('registry', 0)")
    # The transaction's own number: however many statements change the data, the version is written once.
    op.execute("""
        CREATE FUNCTION renew_read_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE read_version SET version = pg_current_xact_id()::text::bigint
            WHERE name = TG_ARGV[0] AND version <> pg_current_xact_id()::text::bigint;
            RETURN NULL;
        END $$
    """)
    for table in _REGISTRY:
        op.execute(
            f"CREATE TRIGGER renew_read_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION renew_read_version('registry')"
        )


def downgrade() -> None:
    for table in _REGISTRY:
        op.execute(f"DROP TRIGGER renew_read_version ON {table}")
    op.execute("DROP FUNCTION renew_read_version()")
    op.drop_table("read_version")
