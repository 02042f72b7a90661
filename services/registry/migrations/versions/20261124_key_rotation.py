"""Staged rows of an import say by which key they are indexed, so that the key may rotate."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0003"
down_revision = "registry_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("index_key_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("imports", "index_key_version")
