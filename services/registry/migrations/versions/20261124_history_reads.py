"""All that was ever held of a family is found by its id, not what is held now alone."""

from alembic import op

revision = "registry_0005"
down_revision = "registry_0004"
branch_labels = None
depends_on = None

TABLES = ("family_domiciles", "family_numbers", "memberships", "ranks")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"{table}_family_id_idx", table, ["family_id"], unique=False)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"{table}_family_id_idx", table_name=table)
