"""The change feed knows which positions were lost when a backup was restored."""

from alembic import op

from services.shared import migrations

revision = "distribution_0004"
down_revision = "distribution_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migrations.add_feed_gaps(op)


def downgrade() -> None:
    op.drop_column("epoch", "feed_gaps")
