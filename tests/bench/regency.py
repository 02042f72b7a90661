"""Families in a registry's database, as the sections on HTTP read them: made by real merges."""

from datetime import date, timedelta
from uuid import UUID

from deploy.demo.population import DWELLING_POOR, SYNTHETIC_SERIAL_FIRST, SYNTHETIC_SERIALS
from deploy.postgres.provision import Urls
from services.registry.actions.merging import merge_residents, merge_welfare
from services.registry.domain.residents import ResidentBatch, ResidentRow, WelfareMember, WelfareRow
from services.registry.storage.identities import Numbers
from services.shared.db import Database
from services.shared.sealing import Keyring
from tests.bench.frame import Bench
from tests.support.residents import OBSERVED, a_resident, a_welfare_row

FAMILIES, MEMBERS = 3_000, 5
BATCH = 500
PERSON = {"428a": 8, "428b": 8, "428c": 4, "428d": 8}


async def build(bench: Bench) -> tuple[Urls, list[UUID]]:
    """Return a registry's database with families of five, and some of their ids."""
    urls = await bench.stack.database("registry")
    numbers = Numbers(Keyring.load(bench.stack.secrets.keyring("registry")))
    db = Database(urls.app, schema="registry", service="registry")
    try:
        for start in range(0, FAMILIES, BATCH):
            families = range(start, start + BATCH)
            rows = tuple(_resident(f, m) for f in families for m in range(MEMBERS))
            async with db.transaction() as tx:
                await merge_residents(
                    tx,
                    ResidentBatch(rows, OBSERVED, synthetic=True),
                    numbers=numbers,
                    actor="bench",
                    source="opensid",
                    import_id=None,
                )
            async with db.transaction() as tx:
                welfare = [_welfare(f) for f in families]
                await merge_welfare(tx, welfare, numbers=numbers, actor="bench", import_id=None)
        connection = await db.connect()
        await connection.execute("ANALYZE")
        await connection.close()
        found = await db.pool.fetch(
            "SELECT id FROM families WHERE member_count = $1 ORDER BY id LIMIT 500", MEMBERS
        )
    finally:
        await db.close()
    return urls, [UUID(str(row["id"])) for row in found]


def _birth(number: int) -> date:
    return date(1950, 1, 1) + timedelta(days=number // SYNTHETIC_SERIALS)


def _nik(number: int) -> str:
    return f"620206{_birth(number):%d%m%y}{SYNTHETIC_SERIAL_FIRST + number % SYNTHETIC_SERIALS}"


def _kk(family: int) -> str:
    issued = date(2015, 1, 1) + timedelta(days=family // SYNTHETIC_SERIALS)
    return f"620206{issued:%d%m%y}{SYNTHETIC_SERIAL_FIRST + family % SYNTHETIC_SERIALS}"


def _resident(family: int, member: int) -> ResidentRow:
    number = family * MEMBERS + member
    return a_resident(
        number,
        None,
        kk_number=_kk(family),
        nik=_nik(number),
        birth_date=_birth(number),
        relation=1 if member == 0 else 3,
    )


def _welfare(family: int) -> WelfareRow:
    members = (WelfareMember(_nik(family * MEMBERS + m), PERSON) for m in range(MEMBERS))
    return a_welfare_row(
        family, kk_number=_kk(family), housing=DWELLING_POOR, members=tuple(members)
    )
