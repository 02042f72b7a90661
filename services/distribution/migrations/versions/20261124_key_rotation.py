"""A person says by which key the numbers are indexed, so that it is known when none is left."""

import sqlalchemy as sa
from alembic import op

revision = "distribution_0003"
down_revision = "distribution_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("persons", sa.Column("index_key_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("persons", "index_key_version")
