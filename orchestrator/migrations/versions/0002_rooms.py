"""What a server remembers: rooms, marks, notices; and an index for delegations."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the three tables and the index."""
    delegated, waiting = sa.text("kind = 'delegated'"), sa.text("sent_at IS NULL")
    op.create_index("events_delegated", "events", ["at"], sqlite_where=delegated, postgresql_where=delegated)
    op.create_table(
        "rooms",
        sa.Column("cycle", sa.String(32), primary_key=True),
        sa.Column("pull", sa.BigInteger),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("open", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("claimed_until", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("rooms_by_pull", "rooms", ["pull"])
    op.create_table(
        "marks",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notices",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("claimed_until", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("notices_waiting", "notices", ["due_at"], sqlite_where=waiting, postgresql_where=waiting)
