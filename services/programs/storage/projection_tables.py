"""What programs keep of the states that others tell. Private to storage.

Each row carries the (epoch, version) of the state that it was made from; an older state never
overwrites it. They can be rebuilt from the streams at any time.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.programs.storage.base import metadata


def _guard() -> tuple[Column[int], Column[int]]:
    return (
        Column("epoch", Integer, nullable=False),
        Column("version", BigInteger, nullable=False),
    )


REGIONS = Table(
    "region_facts",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("parent_code", Text),
    *_guard(),
)

FAMILIES = Table(
    "family_facts",
    metadata,
    Column("family_id", Uuid, primary_key=True),
    Column("household_id", Uuid, nullable=False),
    Column("region_code", Text, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("desil", SmallInteger),
    # Sorts families without a desil last, and gives the pages of candidates a key.
    Column(
        "desil_order", SmallInteger, Computed("coalesce(desil, 99)", persisted=True), nullable=False
    ),
    Column("ranks", JSONB, nullable=False),
    Column("dwelling", JSONB, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    *_guard(),
    Index("family_facts_order_idx", "desil_order", "family_id"),
    # Scopes and rules ask for "this region and all below it": a prefix search.
    Index(
        "family_facts_region_idx",
        "region_code",
        "family_id",
        postgresql_ops={"region_code": "text_pattern_ops"},
    ),
    comment="One row per family (KK): the newest state that registry told.",
)

MEMBERS = Table(
    "member_facts",
    metadata,
    Column(
        "family_id", Uuid, ForeignKey(FAMILIES.c.family_id, ondelete="CASCADE"), primary_key=True
    ),
    Column("person_id", Uuid, primary_key=True),
    Column("sex", Text),
    Column("born_month", Integer),
    Column("presence", Integer),
    Column("present", Boolean, nullable=False),
    Column("answers", JSONB, nullable=False),
    comment="The members of family_facts; born_month counts months since year 0.",
)

PERSONS = Table(
    "person_identities",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("family_id", Uuid),
    Column("region_code", Text),
    Column("name", Text),
    Column("birth_date", Date),
    Column("sex", Text),
    Column("nik_index", LargeBinary),
    Column("nik_masked", Text),
    Column("nik_sealed", LargeBinary),
    Column("kk_index", LargeBinary),
    Column("kk_masked", Text),
    Column("index_key_version", Integer),
    *_guard(),
    Index("person_identities_nik_idx", "nik_index"),
    Index("person_identities_kk_idx", "kk_index"),
    Index("person_identities_family_idx", "family_id"),
    comment="Personal data. An erased person keeps the id and the guard; the rest is null.",
)

ENTITLEMENTS = Table(
    "entitlement_facts",
    metadata,
    Column("entitlement_id", Uuid, primary_key=True),
    Column("enrolment_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("delivered_quantity", BigInteger, nullable=False),
    Column("delivered_value_idr", BigInteger, nullable=False),
    *_guard(),
    Index("entitlement_facts_enrolment_idx", "enrolment_id"),
    comment="What distribution reserved and delivered for an enrolment, one row per entitlement.",
)
