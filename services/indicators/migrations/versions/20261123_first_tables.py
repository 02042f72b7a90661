"""The first tables: projections, tallies, sources, official figures, targets, publications."""

import sqlalchemy as sa
from alembic import op

from services.shared.migrations import create_shared_tables_v1

revision = "indicators_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_shared_tables_v1(op)
