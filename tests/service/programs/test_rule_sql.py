"""The compiled SQL finds exactly whom the pure evaluation finds."""

import asyncio
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.programs.actions.projection import FamilyTold, keep_families, keep_regions
from services.programs.domain.evaluation import evaluate
from services.programs.domain.rules import parse_rule
from services.programs.storage.candidates import Search, survey
from services.programs.storage.families import RegionState, load_families
from services.shared import clock
from services.shared.auth import Scope
from services.shared.db import Database
from tests.property.programs import strategies
from tests.service.programs.world import World

FAMILIES_SHOWN = 30
ENROLLED = """
INSERT INTO enrolments (enrolment_id, program_id, year, family_id, recipient_id, region_code,
    status, eligible, facts, reasons, proposed_by, proposed_at, valid_from, valid_to, version)
SELECT gen_random_uuid(), p.program_id, 2026, f.family_id, f.family_id, f.region_code,
       (ARRAY['granted', 'proposed', 'suspended'])[1 + abs(hashtext(f.family_id::text)) % 3],
       true, '{}', '[]', 'x', now(), d.since, d.until, 1
FROM family_facts AS f, programs AS p,
     (VALUES (current_date - 30, current_date + 30)) AS d (since, until)
WHERE abs(hashtext(f.family_id::text || p.program_id::text)) % 2 = 0
"""
PROGRAM = """
INSERT INTO programs (program_id, code, name, owner_code, reporter_code, klaster, strategi,
    bidang, unit, benefit, frequency, steps, counts_as_reached, sensitive, status, version)
VALUES (:id, :code, 'Contoh', 'DINSOS', 'DINSOS', 'I', 'BEBAN', 'EKONOMI', 'family', '{}',
        'sekali', '[]', true, false, 'active', 1)
ON CONFLICT DO NOTHING
"""


async def test_the_compiled_sql_finds_exactly_whom_the_evaluation_finds(world: World) -> None:
    db = world.service.db
    async with db.transaction() as tx:
        for program_id in strategies.PROGRAMS:
            code = f"ACAK-{program_id.int}"
            await tx.execute(text(PROGRAM), {"id": program_id, "code": code})
        levels = zip(strategies.VILLAGES[:3], ("desa", "desa", "kelurahan"), strict=True)
        await keep_regions(
            tx, [RegionState(code, "Contoh", level, None, 1, 1) for code, level in levels]
        )
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=50,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        families=st.lists(
            strategies.FAMILIES, min_size=5, max_size=FAMILIES_SHOWN,
            unique_by=lambda family: family.family_id,
        ),
        trees=st.lists(strategies.TREES, min_size=5, max_size=15),
    )  # fmt: skip
    def check(families: list[FamilyTold], trees: list[Any]) -> None:
        asyncio.run_coroutine_threadsafe(_compare(db, families, trees), loop).result(60)

    await asyncio.to_thread(check)


async def _compare(db: Database, families: list[FamilyTold], trees: list[Any]) -> None:
    day = clock.today()
    async with db.transaction() as tx:
        await tx.execute(text("DELETE FROM enrolments"))
        await tx.execute(text("DELETE FROM family_facts"))
        await keep_families(tx, families)
        await tx.execute(text(ENROLLED))
    async with db.reading() as tx:
        ids = [family.family_id for family in families]
        known = await load_families(tx, ids, scope=Scope.all(), day=day)
        for tree in trees:
            for unit in ("family", "person"):
                rule = parse_rule(tree, unit)
                expected: set[tuple[UUID, UUID]] = set()
                for family in known.values():
                    members = [m for m in family.members if m.present]
                    for member in members if unit == "person" else [None]:
                        if evaluate(rule, family, member, day=day).met:
                            recipient = member.person_id if member else family.family_id
                            expected.add((family.family_id, recipient))
                search = Search(rule, unit, day, Scope.all())
                found = await survey(tx, search, sample_size=1_000)
                assert set(found.sample) == expected, tree
                assert len(found.sample) == len(expected)
                assert sum(each.count for each in found.villages) == len(expected)
