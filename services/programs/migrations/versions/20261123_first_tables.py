"""The first tables: the projections of registry, the catalog, rules, enrolments."""

import sqlalchemy as sa
from sqlmodel.sql.sqltypes import AutoString
from alembic import op
from sqlalchemy.dialects import postgresql

from services.shared.migrations import create_shared_tables_v1

revision = "programs_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_shared_tables_v1(op)
    op.create_table(
        "entitlement_facts",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("delivered_quantity", sa.BigInteger(), nullable=False),
        sa.Column("delivered_value_idr", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("entitlement_facts_pkey")),
        comment="What distribution reserved and delivered for an enrolment, one row per entitlement.",
    )
    op.create_index(
        "entitlement_facts_enrolment_idx", "entitlement_facts", ["enrolment_id"], unique=False
    )
    op.create_table(
        "family_facts",
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("desil", sa.SmallInteger(), nullable=True),
        sa.Column(
            "desil_order", sa.SmallInteger(), sa.Computed("coalesce(desil, 99)", persisted=True), nullable=False
        ),
        sa.Column("ranks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dwelling", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("family_id", name=op.f("family_facts_pkey")),
        comment="One row per family (KK): the newest state that registry told.",
    )
    op.create_index(
        "family_facts_order_idx", "family_facts", ["desil_order", "family_id"], unique=False
    )
    op.create_index(
        "family_facts_region_idx",
        "family_facts",
        ["region_code", "family_id"],
        unique=False,
        postgresql_ops={"region_code": "text_pattern_ops"},
    )
    op.create_table(
        "organisations",
        sa.Column("code", AutoString(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("created_by", AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("organisations_pkey")),
    )
    op.create_table(
        "person_identities",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=True),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("nik_index", sa.LargeBinary(), nullable=True),
        sa.Column("nik_masked", sa.Text(), nullable=True),
        sa.Column("nik_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("kk_index", sa.LargeBinary(), nullable=True),
        sa.Column("kk_masked", sa.Text(), nullable=True),
        sa.Column("index_key_version", sa.Integer(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("person_identities_pkey")),
        comment="Personal data. An erased person keeps the id and the guard; the rest is null.",
    )
    op.create_index(
        "person_identities_family_idx", "person_identities", ["family_id"], unique=False
    )
    op.create_index("person_identities_kk_idx", "person_identities", ["kk_index"], unique=False)
    op.create_index("person_identities_nik_idx", "person_identities", ["nik_index"], unique=False)
    op.create_table(
        "region_facts",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("region_facts_pkey")),
    )
    op.create_table(
        "member_facts",
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("born_month", sa.Integer(), nullable=True),
        sa.Column("presence", sa.Integer(), nullable=True),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["family_id"],
            ["family_facts.family_id"],
            name=op.f("member_facts_family_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("family_id", "person_id", name=op.f("member_facts_pkey")),
        comment="The members of family_facts; born_month counts months since year 0.",
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
        sa.Column("nomenclature_version", AutoString(), nullable=True),
        sa.Column("sub_kegiatan", AutoString(), nullable=True),
        sa.Column("sub_kegiatan_raw", AutoString(), nullable=True),
        sa.Column("unit", AutoString(), nullable=False),
        sa.Column("benefit", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("frequency", AutoString(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("counts_as_reached", sa.Boolean(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("target_desil_max", sa.Integer(), nullable=True),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("proposed_by", AutoString(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft','proposed','approved','active','closed')",
            name=op.f("programs_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_code"], ["organisations.code"], name=op.f("programs_owner_code_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["reporter_code"], ["organisations.code"], name=op.f("programs_reporter_code_fkey")
        ),
        sa.PrimaryKeyConstraint("program_id", name=op.f("programs_pkey")),
        sa.UniqueConstraint("owner_code", "code", name=op.f("programs_owner_code_code_key")),
    )
    op.create_index("programs_reporter_idx", "programs", ["reporter_code"], unique=False)
    op.create_table(
        "eligibility_rules",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tree", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("legal_reference", AutoString(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_by", AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("eligibility_rules_dates_check")
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["programs.program_id"], name=op.f("eligibility_rules_program_id_fkey")
        ),
        sa.PrimaryKeyConstraint("rule_id", name=op.f("eligibility_rules_pkey")),
        sa.UniqueConstraint(
            "program_id", "version", name=op.f("eligibility_rules_program_id_version_key")
        ),
        info={"append_only": True},
    )
    op.create_table(
        "program_log",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", AutoString(), nullable=False),
        sa.Column("action", AutoString(), nullable=False),
        sa.Column("note", AutoString(), nullable=True),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"], ["programs.program_id"], name=op.f("program_log_program_id_fkey")
        ),
        sa.PrimaryKeyConstraint("program_id", "version", name=op.f("program_log_pkey")),
        info={"append_only": True},
    )
    op.create_table(
        "program_years",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("fund_source", AutoString(), nullable=False),
        sa.Column("ceiling_idr", sa.BigInteger(), nullable=True),
        sa.Column("aid_ceiling_idr", sa.BigInteger(), nullable=True),
        sa.Column("quota", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "ceiling_idr >= 0 AND aid_ceiling_idr >= 0 AND quota >= 0",
            name=op.f("program_years_amounts_check"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["programs.program_id"], name=op.f("program_years_program_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "program_id", "year", "fund_source", name=op.f("program_years_pkey")
        ),
    )
    op.create_table(
        "stacking_rules",
        sa.Column("stacking_rule_id", sa.Uuid(), nullable=False),
        sa.Column("program_a", sa.Uuid(), nullable=False),
        sa.Column("program_b", sa.Uuid(), nullable=False),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("legal_reference", AutoString(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_by", AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('MUTUAL_EXCLUSION','WARN_ONLY')", name=op.f("stacking_rules_kind_check")
        ),
        sa.CheckConstraint("program_a < program_b", name=op.f("stacking_rules_order_check")),
        sa.ForeignKeyConstraint(
            ["program_a"], ["programs.program_id"], name=op.f("stacking_rules_program_a_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["program_b"], ["programs.program_id"], name=op.f("stacking_rules_program_b_fkey")
        ),
        sa.PrimaryKeyConstraint("stacking_rule_id", name=op.f("stacking_rules_pkey")),
        sa.UniqueConstraint(
            "program_a",
            "program_b",
            "kind",
            "valid_from",
            name=op.f("stacking_rules_program_a_program_b_kind_valid_from_key"),
        ),
    )
    op.create_index("stacking_rules_program_b_idx", "stacking_rules", ["program_b"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("region_code", AutoString(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("eligible", sa.Boolean(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", AutoString(), nullable=True),
        sa.Column("proposed_by", AutoString(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", AutoString(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("override_reason", AutoString(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('proposed','granted','refused','suspended','ended')",
            name=op.f("enrolments_status_check"),
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("enrolments_dates_check")),
        sa.ForeignKeyConstraint(
            ["program_id"], ["programs.program_id"], name=op.f("enrolments_program_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["eligibility_rules.rule_id"], name=op.f("enrolments_rule_id_fkey")
        ),
        sa.PrimaryKeyConstraint("enrolment_id", name=op.f("enrolments_pkey")),
    )
    op.create_index("enrolments_family_idx", "enrolments", ["family_id"], unique=False)
    op.create_index(
        "enrolments_one_live_idx",
        "enrolments",
        ["program_id", "year", "recipient_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('proposed', 'granted', 'suspended')"),
    )
    op.create_index(
        "enrolments_program_idx", "enrolments", ["program_id", "year", "status"], unique=False
    )
    op.create_table(
        "enrolment_log",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", AutoString(), nullable=False),
        sa.Column("action", AutoString(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("reason", AutoString(), nullable=True),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolments.enrolment_id"],
            name=op.f("enrolment_log_enrolment_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("enrolment_id", "version", name=op.f("enrolment_log_pkey")),
        info={"append_only": True},
    )


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it")
