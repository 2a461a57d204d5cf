"""The first tables: cycles, runs, events, effects, leases, inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the six tables."""
    op.create_table(
        "cycles",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False, unique=True),
        sa.Column("pipeline", sa.String(63), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.String(255), unique=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("cycles_by_pipeline", "cycles", ["pipeline", "number"])
    op.create_index("cycles_by_state", "cycles", ["state", "number"])
    op.create_table(
        "runs",
        sa.Column("cycle", sa.String(32), primary_key=True),
        sa.Column("stage", sa.String(63), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("cycle", sa.String(32), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "effects",
        sa.Column("cycle", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("claimed_until", sa.BigInteger),
        sa.Column("tries", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    free = sa.text("owner IS NULL")
    op.create_index("effects_free", "effects", ["due_at"], sqlite_where=free, postgresql_where=free)
    op.create_table(
        "leases",
        sa.Column("target", sa.String(255), primary_key=True),
        sa.Column("cycle", sa.String(32)),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "inbox",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("delivery", sa.String(255), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.UniqueConstraint("source", "delivery", name="inbox_once"),
    )
    op.create_index("inbox_waiting", "inbox", ["done_at", "id"])
