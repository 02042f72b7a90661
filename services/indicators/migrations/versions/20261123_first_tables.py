"""The first tables: projections, tallies, sources, official figures, targets, publications."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

from services.shared.migrations import create_shared_tables_v1

revision = "indicators_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_shared_tables_v1(op)
    op.create_table(
        "aid_tallies",
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("entitlements", sa.Integer(), nullable=False),
        sa.Column("entitled_idr", sa.BigInteger(), nullable=False),
        sa.Column("reserved_idr", sa.BigInteger(), nullable=False),
        sa.Column("delivered_quantity", sa.BigInteger(), nullable=False),
        sa.Column("delivered_idr", sa.BigInteger(), nullable=False),
        sa.Column("last_delivered_on", sa.Date(), nullable=True),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "family_id",
            "program_id",
            "year",
            "region_code",
            "recipient_id",
            name=op.f("aid_tallies_pkey"),
        ),
    )
    op.create_index(
        "aid_tallies_year_program_id_idx", "aid_tallies", ["year", "program_id"], unique=False
    )
    op.create_table(
        "cycles",
        sa.Column("cycle_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cycle_id", name=op.f("cycles_pkey")),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("cycle_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("value_idr", sa.BigInteger(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("deliveries_pkey")),
    )
    op.create_index("deliveries_cycle_id_idx", "deliveries", ["cycle_id"], unique=False)
    op.create_index(
        "deliveries_family_id_program_id_idx",
        "deliveries",
        ["family_id", "program_id"],
        unique=False,
    )
    op.create_table(
        "enrolments",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("enrolment_id", name=op.f("enrolments_pkey")),
    )
    op.create_index("enrolments_family_id_idx", "enrolments", ["family_id"], unique=False)
    op.create_index(
        "enrolments_program_id_year_idx", "enrolments", ["program_id", "year"], unique=False
    )
    op.create_table(
        "entitlements",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("cycle_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("value_idr", sa.BigInteger(), nullable=False),
        sa.Column("delivered_value_idr", sa.BigInteger(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("entitlements_pkey")),
    )
    op.create_index("entitlements_cycle_id_idx", "entitlements", ["cycle_id"], unique=False)
    op.create_index(
        "entitlements_family_id_program_id_idx",
        "entitlements",
        ["family_id", "program_id"],
        unique=False,
    )
    op.create_table(
        "expected_sources",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("code", AutoString(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("reporter_code", AutoString(), nullable=False),
        sa.Column("program_code", AutoString(), nullable=True),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("max_age_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("reason", AutoString(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", AutoString(), nullable=False),
        sa.CheckConstraint(
            "max_age_days BETWEEN 1 AND 3660", name=op.f("expected_sources_max_age_days_check")
        ),
        sa.PrimaryKeyConstraint("year", "code", "revision", name=op.f("expected_sources_pkey")),
    )
    op.create_table(
        "families",
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("desil_low", sa.Integer(), nullable=True),
        sa.Column("desil_high", sa.Integer(), nullable=True),
        sa.Column("desil_as_of", sa.Date(), nullable=True),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("family_id", name=op.f("families_pkey")),
    )
    op.create_index(
        "families_region_code_family_id_idx", "families", ["region_code", "family_id"], unique=False
    )
    op.create_index(
        "families_survivor_id_idx",
        "families",
        ["survivor_id"],
        unique=False,
        postgresql_where=sa.text("survivor_id IS NOT NULL"),
    )
    op.create_table(
        "official_statistics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("indicator_code", AutoString(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("region_name", AutoString(), nullable=False),
        sa.Column("period", AutoString(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("unit", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("note", AutoString(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", AutoString(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", AutoString(), nullable=False),
        sa.CheckConstraint("source <> ''", name=op.f("official_statistics_source_check")),
        sa.CheckConstraint(
            "revision = 1 OR reason IS NOT NULL", name=op.f("official_statistics_reason_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("official_statistics_pkey")),
        sa.UniqueConstraint(
            "indicator_code",
            "region_code",
            "period",
            "source",
            "revision",
            name="official_statistics_revision_key",
        ),
    )
    op.create_table(
        "organisations",
        sa.Column("code", AutoString(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("organisations_pkey")),
    )
    op.create_table(
        "program_progress",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("last_data_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name=op.f("program_progress_pkey")),
    )
    op.create_table(
        "program_years",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("fund_source", AutoString(), nullable=False),
        sa.Column("ceiling_idr", sa.BigInteger(), nullable=True),
        sa.Column("aid_ceiling_idr", sa.BigInteger(), nullable=True),
        sa.Column("quota", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint(
            "program_id", "year", "fund_source", name=op.f("program_years_pkey")
        ),
    )
    op.create_table(
        "programs",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("code", AutoString(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("owner_code", AutoString(), nullable=False),
        sa.Column("reporter_code", AutoString(), nullable=False),
        sa.Column("klaster", AutoString(), nullable=False),
        sa.Column("strategi", AutoString(), nullable=False),
        sa.Column("bidang", AutoString(), nullable=False),
        sa.Column("unit", AutoString(), nullable=False),
        sa.Column("counts_as_reached", sa.Boolean(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("target_desil_max", sa.Integer(), nullable=True),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name=op.f("programs_pkey")),
    )
    op.create_table(
        "publications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("indicator_code", AutoString(), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("period", AutoString(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=True),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.Column("unit", AutoString(), nullable=False),
        sa.Column("data_as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("publications_pkey")),
    )
    op.create_index(
        "publications_indicator_code_region_code_period_idx",
        "publications",
        ["indicator_code", "region_code", "period"],
        unique=False,
    )
    op.create_table(
        "regions",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("level", AutoString(), nullable=False),
        sa.Column("parent_code", AutoString(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("regions_pkey")),
    )
    op.create_table(
        "returns",
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("value_idr", sa.BigInteger(), nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("return_id", name=op.f("returns_pkey")),
    )
    op.create_index("returns_delivery_id_idx", "returns", ["delivery_id"], unique=False)
    op.create_table(
        "source_progress",
        sa.Column("topic", AutoString(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("last_data_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("source_progress_pkey")),
    )
    op.create_table(
        "targets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("indicator_code", AutoString(), nullable=False),
        sa.Column("region_code", sa.Text(collation="C"), nullable=False),
        sa.Column("document", AutoString(), nullable=False),
        sa.Column("document_source", AutoString(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("unit", AutoString(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", AutoString(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", AutoString(), nullable=False),
        sa.CheckConstraint("document_source <> ''", name=op.f("targets_document_source_check")),
        sa.CheckConstraint("revision = 1 OR reason IS NOT NULL", name=op.f("targets_reason_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("targets_pkey")),
        sa.UniqueConstraint(
            "indicator_code",
            "region_code",
            "document",
            "year",
            "revision",
            name="targets_revision_key",
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it")
