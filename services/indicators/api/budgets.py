"""Value handed over against the ceiling, per agency."""

from collections import defaultdict
from decimal import Decimal

from pydantic import BaseModel

from services.indicators.api.common import (
    REGISTRY_LABEL,
    Freshness,
    FreshnessView,
    LabelView,
    RegencyReader,
    Year,
    own_agency,
    year_or_now,
)
from services.indicators.domain.budgets import Budget, ProgramBudget, add_up, elapsed_share
from services.indicators.storage import budgets, contributions
from services.shared import clock
from services.shared.http import ReadTx, service_router

router = service_router(tags=["budgets"], prefix="/v1/budgets")


class BudgetView(BaseModel):
    """Four different rupiah, never mixed. ``ceiling_idr`` null: at least one part is unknown."""

    programs: int
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    known_ceiling_idr: int
    programs_without_ceiling: int
    reserved_idr: int
    delivered_idr: int
    realisation_ratio: Decimal | None
    aid_realisation_ratio: Decimal | None


class AgencyBudgetView(BudgetView):
    """One owner's year."""

    owner_code: str
    owner_name: str | None
    owner_kind: str | None


class BudgetsView(FreshnessView):
    """All owners of a year. ``elapsed_share`` is how much of the year is over."""

    year: int
    elapsed_share: Decimal
    data: list[AgencyBudgetView]
    total: BudgetView
    label: LabelView


@router.get("")
async def list_budgets(
    tx: ReadTx, actor: RegencyReader, fresh: Freshness, year: Year = None
) -> BudgetsView:
    """Pagu, bagian bantuan, dicadangkan dan diserahkan per organisasi pemilik program."""
    chosen = year_or_now(year)
    owned: dict[str, list[ProgramBudget]] = defaultdict(list)
    for row in await budgets.of_year(tx, chosen, own_agency(actor)):
        owned[row.owner_code].append(row.budget)
    names = await contributions.organisations(tx, list(owned))
    everything = [budget for programs in owned.values() for budget in programs]
    return BudgetsView(
        **fresh.fields,
        year=chosen,
        elapsed_share=elapsed_share(chosen, clock.local(tx.now).date()),
        data=[
            AgencyBudgetView(
                owner_code=code,
                owner_name=names[code].name if code in names else None,
                owner_kind=names[code].kind if code in names else None,
                **_fields(add_up(programs)),
            )
            for code, programs in sorted(owned.items())
        ],
        total=BudgetView(**_fields(add_up(everything))),
        label=REGISTRY_LABEL,
    )


def _fields(budget: Budget) -> dict[str, int | Decimal | None]:
    return {
        "programs": budget.programs,
        "ceiling_idr": budget.ceiling_idr,
        "aid_ceiling_idr": budget.aid_ceiling_idr,
        "known_ceiling_idr": budget.known_ceiling_idr,
        "programs_without_ceiling": budget.programs_without_ceiling,
        "reserved_idr": budget.reserved_idr,
        "delivered_idr": budget.delivered_idr,
        "realisation_ratio": budget.realisation,
        "aid_realisation_ratio": budget.aid_realisation,
    }
