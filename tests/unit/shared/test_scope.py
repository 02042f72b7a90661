from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, String, Table, create_engine, select

from services.shared.auth import Scope

REGIONS = Table("r", MetaData(), Column("code", String))
CODES = ["62", "62.02", "62.02.06", "62.02.06.2005", "62.02.06.2006", "62.020", "62.03", "6"]
codes = st.sampled_from(CODES)


@given(st.lists(codes, max_size=3))
def test_the_sql_condition_and_the_patterns_agree_with_allows(prefixes):
    scope = Scope(tuple(prefixes))
    engine = create_engine("sqlite://")
    REGIONS.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(REGIONS.insert(), [{"code": code} for code in [*CODES, None]])
        found = set(connection.scalars(select(REGIONS).where(scope.clause(REGIONS.c.code))))
        patterns = {
            code
            for pattern in scope.like_patterns()
            for code in connection.scalars(select(REGIONS).where(REGIONS.c.code.like(pattern)))
        }
    engine.dispose()
    assert found == {code for code in CODES if scope.allows(code)} == patterns


def test_a_prefix_matches_whole_segments_only():
    scope = Scope(("62.02",))
    assert scope.allows("62.02")
    assert scope.allows("62.02.06.2005")
    assert not scope.allows("62.020")
    assert not scope.allows("62")
    assert not scope.allows(None)


def test_no_regions_means_that_nothing_is_seen():
    assert not Scope(()).allows("62.02")


def test_the_scope_of_everything_sees_rows_without_a_region():
    engine = create_engine("sqlite://")
    REGIONS.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(REGIONS.insert(), [{"code": None}, {"code": "62"}])
        stmt = select(REGIONS).where(Scope.all().clause(REGIONS.c.code))
        assert len(connection.execute(stmt).all()) == 2
    engine.dispose()
    assert Scope.all().allows(None)
