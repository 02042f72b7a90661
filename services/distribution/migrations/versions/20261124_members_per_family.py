"""Each family keeps its own members, so that the order in which families are told cannot matter."""

import sqlalchemy as sa
from alembic import op

revision = "distribution_0002"
down_revision = "distribution_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("now()")
    column = sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=now)
    op.add_column("families", column)
    op.alter_column("families", "told_at", server_default=None)
    op.drop_constraint("family_members_pkey", "family_members")
    op.create_primary_key("family_members_pkey", "family_members", ["person_id", "family_id"])


def downgrade() -> None:
    # One row per person again; the projection is right after ``betang rebuild``.
    op.execute(
        "DELETE FROM family_members AS m USING family_members AS o"
        " WHERE o.person_id = m.person_id AND o.family_id > m.family_id"
    )
    op.drop_constraint("family_members_pkey", "family_members")
    op.create_primary_key("family_members_pkey", "family_members", ["person_id"])
    op.drop_column("families", "told_at")
