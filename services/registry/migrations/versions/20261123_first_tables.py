"""The first tables: regions, families, persons, identities, conditions, ranks, logs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql.sqltypes import AutoString

from services.shared.migrations import create_extensions, create_shared_tables_v1

revision = "registry_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_extensions(op, "btree_gist")
    create_shared_tables_v1(op)
    op.create_table(
        "family_aid",
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("status", AutoString(), nullable=True),
        sa.Column("value_idr", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('enrolment','entitlement')", name=op.f("family_aid_kind_check")
        ),
        sa.PrimaryKeyConstraint("kind", "subject_id", name=op.f("family_aid_pkey")),
    )
    op.create_index("family_aid_family_id_idx", "family_aid", ["family_id"], unique=False)
    op.create_table(
        "households",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_code", AutoString(), nullable=False),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("households_pkey")),
    )
    op.create_index("households_region_code_idx", "households", ["region_code"], unique=False)
    op.create_table(
        "identity_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('nik','kk')", name=op.f("identity_claims_kind_check")),
        sa.CheckConstraint(
            "state IN ('held','disputed')", name=op.f("identity_claims_state_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("identity_claims_pkey")),
    )
    op.create_index(
        "identity_claims_disputed_idx",
        "identity_claims",
        ["recorded_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'disputed'"),
    )
    op.create_index(
        "identity_claims_held_key",
        "identity_claims",
        ["kind", "number_index", "key_version"],
        unique=True,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index("identity_claims_index_idx", "identity_claims", ["number_index"], unique=False)
    op.create_index(
        "identity_claims_subject_id_idx", "identity_claims", ["subject_id"], unique=False
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("name_key", AutoString(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("sex", AutoString(), nullable=True),
        sa.Column("died_on", sa.Date(), nullable=True),
        sa.Column("nik_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("nik_index", sa.LargeBinary(), nullable=True),
        sa.Column("nik_masked", AutoString(), nullable=True),
        sa.Column("nik_missing_reason", AutoString(), nullable=True),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("match_status", AutoString(), nullable=False),
        sa.Column("marital", sa.Integer(), nullable=True),
        sa.Column("education", sa.Integer(), nullable=True),
        sa.Column("occupation", sa.Integer(), nullable=True),
        sa.Column("conditions", postgresql.JSONB(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sex IN ('L','P')", name=op.f("persons_sex_check")),
        sa.CheckConstraint(
            "(nik_sealed IS NULL) = (nik_masked IS NULL)", name=op.f("persons_nik_whole_check")
        ),
        sa.CheckConstraint(
            "nik_sealed IS NOT NULL OR nik_missing_reason IS NOT NULL",
            name=op.f("persons_nik_or_reason_check"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("persons_version_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("persons_pkey")),
    )
    op.create_index("persons_name_key_idx", "persons", ["name_key"], unique=False)
    op.create_table(
        "pii_access_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("action", AutoString(), nullable=False),
        sa.Column("actor", AutoString(), nullable=False),
        sa.Column("actor_name", AutoString(), nullable=True),
        sa.Column("agency", AutoString(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("family_id", sa.Uuid(), nullable=True),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "action IN ('reveal_nik','search_nik','search_kk')",
            name=op.f("pii_access_log_action_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pii_access_log_pkey")),
        info={"append_only": True},
    )
    op.create_index(
        "pii_access_log_family_idx", "pii_access_log", ["family_id", "id"], unique=False
    )
    op.create_index(
        "pii_access_log_person_idx", "pii_access_log", ["person_id", "id"], unique=False
    )
    op.create_table(
        "regions",
        sa.Column("code", AutoString(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("level", AutoString(), nullable=False),
        sa.Column("parent_code", AutoString(), nullable=True),
        sa.Column("postal_code", AutoString(), nullable=True),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="regions_code_valid_excl",
        ),
        sa.CheckConstraint(
            "level IN ('kabupaten','kecamatan','desa','kelurahan')",
            name=op.f("regions_level_check"),
        ),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("regions_pkey")),
    )
    op.create_index("regions_parent_code_idx", "regions", ["parent_code"], unique=False)
    op.create_table(
        "families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("region_code", AutoString(), nullable=False),
        sa.Column("address", AutoString(), nullable=True),
        sa.Column("rt", AutoString(), nullable=True),
        sa.Column("rw", AutoString(), nullable=True),
        sa.Column("kk_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("kk_index", sa.LargeBinary(), nullable=True),
        sa.Column("kk_masked", AutoString(), nullable=True),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=True),
        sa.Column("head_name", AutoString(), nullable=True),
        sa.Column("member_count", sa.Integer(), nullable=False),
        sa.Column("desil_low", sa.Integer(), nullable=True),
        sa.Column("desil_high", sa.Integer(), nullable=True),
        sa.Column("ranks", postgresql.JSONB(), nullable=False),
        sa.Column("dwelling", postgresql.JSONB(), nullable=False),
        sa.Column("cause", AutoString(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('active','moved','dissolved','merged')", name=op.f("families_status_check")
        ),
        sa.CheckConstraint("version > 0", name=op.f("families_version_check")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("families_household_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("families_pkey")),
    )
    op.create_index(
        "families_desil_idx",
        "families",
        ["desil_low", "region_code", "id"],
        unique=False,
        postgresql_where=sa.text("desil_low IS NOT NULL"),
    )
    op.create_index("families_household_id_idx", "families", ["household_id"], unique=False)
    op.create_index("families_region_code_id_idx", "families", ["region_code", "id"], unique=False)
    op.create_table(
        "person_conditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", AutoString(), nullable=False),
        sa.Column("version", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("person_conditions_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("person_conditions_pkey")),
        info={"append_only": True},
    )
    op.create_index(
        "person_conditions_lookup_idx",
        "person_conditions",
        ["person_id", "source", "observed_on"],
        unique=False,
    )
    op.create_table(
        "family_conditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", AutoString(), nullable=False),
        sa.Column("version", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["family_id"], ["families.id"], name=op.f("family_conditions_family_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("family_conditions_pkey")),
        info={"append_only": True},
    )
    op.create_index(
        "family_conditions_lookup_idx",
        "family_conditions",
        ["family_id", "source", "observed_on"],
        unique=False,
    )
    op.create_table(
        "family_domiciles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("region_code", AutoString(), nullable=False),
        sa.Column("address", AutoString(), nullable=True),
        sa.Column("rt", AutoString(), nullable=True),
        sa.Column("rw", AutoString(), nullable=True),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
        sa.Column("actor", AutoString(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("family_id"), "="),
            (sa.column("valid"), "&&"),
            where=sa.text("superseded_at IS NULL"),
            using="gist",
            name="family_domiciles_family_valid_excl",
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["families.id"], name=op.f("family_domiciles_family_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("family_domiciles_pkey")),
    )
    op.create_table(
        "family_numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("kk_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kk_index", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("kk_masked", AutoString(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("family_id"), "="),
            (sa.column("valid"), "&&"),
            where=sa.text("superseded_at IS NULL"),
            using="gist",
            name="family_numbers_family_valid_excl",
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["families.id"], name=op.f("family_numbers_family_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("family_numbers_pkey")),
    )
    op.create_index("family_numbers_kk_index_idx", "family_numbers", ["kk_index"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Integer(), nullable=True),
        sa.Column("presence", sa.Integer(), nullable=True),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.column("valid"), "&&"),
            where=sa.text("superseded_at IS NULL"),
            using="gist",
            name="memberships_person_valid_excl",
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["families.id"], name=op.f("memberships_family_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("memberships_person_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("memberships_pkey")),
    )
    op.create_index(
        "memberships_family_current_idx",
        "memberships",
        ["family_id"],
        unique=False,
        postgresql_where=sa.text("superseded_at IS NULL AND upper_inf(valid)"),
    )
    op.create_index("memberships_person_id_idx", "memberships", ["person_id"], unique=False)
    op.create_table(
        "ranks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("period", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=True),
        sa.Column("high", sa.Integer(), nullable=True),
        sa.Column("reason", AutoString(), nullable=True),
        sa.Column("cut_off", sa.Date(), nullable=False),
        sa.Column("bast_number", AutoString(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(low IS NULL) = (high IS NULL) AND (low IS NOT NULL OR reason IS NOT NULL)",
            name=op.f("ranks_known_or_reason_check"),
        ),
        sa.CheckConstraint("low BETWEEN 1 AND high AND high <= 10", name=op.f("ranks_desil_check")),
        sa.ForeignKeyConstraint(["family_id"], ["families.id"], name=op.f("ranks_family_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("ranks_pkey")),
    )
    op.create_index(
        "ranks_current_key",
        "ranks",
        ["family_id", "period", "source"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it")
