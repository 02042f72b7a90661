"""Imports and their staged rows: logged, sealed, waiting for a second person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import AutoString

revision = "registry_0002"
down_revision = "registry_0001"
branch_labels = None
depends_on = None

OPEN_STATES = "state IN ('received','parsed','reviewed')"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("format", AutoString(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("region_code", AutoString(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary()),
        sa.Column("bast_number", AutoString()),
        sa.Column("period", AutoString()),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("uploaded_by", AutoString(), nullable=False),
        sa.Column("uploaded_by_name", AutoString()),
        sa.Column("decided_by", AutoString()),
        sa.Column("decided_by_name", AutoString()),
        sa.Column("reason", AutoString()),
        sa.Column("failure", JSONB(none_as_null=True)),
        sa.Column("result", JSONB(none_as_null=True)),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_new", sa.Integer(), nullable=False),
        sa.Column("rows_changed", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_rejected", sa.Integer(), nullable=False),
        sa.Column("rows_warned", sa.Integer(), nullable=False),
        sa.Column("rows_left_out", sa.Integer(), nullable=False),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("worker", AutoString()),
        sa.Column("lease_until", instant),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("parsed_at", instant),
        sa.Column("validated_at", instant),
        sa.Column("reviewed_at", instant),
        sa.Column("finished_at", instant),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("rows_deleted_at", instant),
        sa.CheckConstraint(
            "format IN ('opensid_residents','dtsen_extract')", name=op.f("imports_format_check")
        ),
        sa.CheckConstraint(
            "state IN ('received','parsed','validated','reviewed','merged','refused','cancelled',"
            "'failed')",
            name=op.f("imports_state_check"),
        ),
        sa.CheckConstraint(
            "decided_by IS DISTINCT FROM uploaded_by OR state = 'cancelled'",
            name=op.f("imports_separate_duties_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("imports_pkey")),
    )
    op.create_index("imports_region_code_id_idx", "imports", ["region_code", "id"])
    op.create_index(
        "imports_open_idx", "imports", ["received_at"], postgresql_where=sa.text(OPEN_STATES)
    )
    op.create_index("imports_file_idx", "imports", ["file_sha256", "format", "region_code"])
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("verdict", AutoString(), nullable=False),
        sa.Column("kk_index", sa.LargeBinary()),
        sa.Column("nik_index", sa.LargeBinary()),
        sa.Column("is_head", sa.Boolean(), nullable=False),
        sa.Column("family_digest", sa.LargeBinary()),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.Column("changed", JSONB(none_as_null=True)),
        sa.Column("fingerprint", sa.LargeBinary()),
        sa.CheckConstraint(
            "verdict IN ('pending','new','changed','unchanged','rejected')",
            name=op.f("import_rows_verdict_check"),
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("import_rows_import_id_fkey")
        ),
        sa.PrimaryKeyConstraint("import_id", "row_number", name=op.f("import_rows_pkey")),
    )
    op.create_index(
        "import_rows_family_idx", "import_rows", ["import_id", "kk_index", "row_number"]
    )
    op.create_index(
        "import_rows_rejected_idx",
        "import_rows",
        ["import_id", "row_number"],
        postgresql_where=sa.text("verdict = 'rejected'"),
    )


def downgrade() -> None:
    op.drop_table("import_rows")
    op.drop_table("imports")
