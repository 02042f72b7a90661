import pytest

from services.distribution.domain.blocks import Standing, blocks, flags
from services.distribution.domain.entitlements import (
    Entitlement,
    EntitlementStatus,
    hand_over,
    take_back,
    void_rest,
)
from services.distribution.domain.errors import (
    EntitlementBlocked,
    EntitlementVoid,
    NothingToVoid,
    OverDelivery,
    OverReturn,
)


def an_entitlement(quantity=4, delivered=0):
    return Entitlement(quantity=quantity, unit_value_idr=2_500_000, delivered_quantity=delivered)


def test_a_part_and_then_the_rest_make_it_delivered():
    part = hand_over(an_entitlement(), 1)
    assert part.status is EntitlementStatus.PART_DELIVERED
    assert part.remaining == 3
    assert hand_over(part, 3).status is EntitlementStatus.DELIVERED


@pytest.mark.parametrize("asked", [0, -1, 4])
def test_more_than_the_rest_or_nothing_is_refused_with_what_remains(asked):
    with pytest.raises(OverDelivery) as refused:
        hand_over(an_entitlement(delivered=1), asked)
    assert refused.value.params == {"remaining": 3, "asked": asked}


def test_a_blocked_entitlement_is_refused_with_the_reasons():
    with pytest.raises(EntitlementBlocked) as refused:
        hand_over(an_entitlement(), 1, blocked_by=("enrolment_suspended",))
    assert refused.value.params == {"reasons": "enrolment_suspended"}


def test_what_came_back_can_be_handed_over_again():
    back = take_back(an_entitlement(delivered=4), 2, delivered=3, returned_before=1)
    assert (back.delivered_quantity, back.remaining) == (2, 2)


@pytest.mark.parametrize("quantity", [0, 3])
def test_no_more_comes_back_than_that_delivery_handed_over(quantity):
    with pytest.raises(OverReturn) as refused:
        take_back(an_entitlement(delivered=4), quantity, delivered=3, returned_before=1)
    assert refused.value.params["returnable"] == 2


def test_an_untouched_entitlement_becomes_void_and_takes_nothing():
    void, released = void_rest(an_entitlement())
    assert (void.status, released, void.remaining) == (EntitlementStatus.VOID, 4, 0)
    with pytest.raises(EntitlementVoid):
        hand_over(void, 1)
    with pytest.raises(NothingToVoid):
        void_rest(void)


def test_a_part_delivered_entitlement_shrinks_to_what_the_family_holds():
    rest, released = void_rest(an_entitlement(delivered=3))
    assert (rest.status, rest.quantity, released) == (EntitlementStatus.DELIVERED, 3, 1)


GRANTED = Standing(enrolment_status="granted", family_status="active", for_person=True, presence=1)


def test_a_granted_enrolment_of_an_active_family_blocks_nothing():
    assert blocks(GRANTED) == ()
    assert flags(GRANTED) == ()


@pytest.mark.parametrize(
    ("standing", "codes"),
    [
        (Standing("suspended", "active", for_person=False), ("enrolment_suspended",)),
        (Standing("ended", None, for_person=False), ("enrolment_ended",)),
        (Standing("refused", "active", for_person=False), ("enrolment_not_granted",)),
        (Standing(None, "active", for_person=False), ("enrolment_not_granted",)),
        (Standing("granted", "moved", for_person=False), ("family_moved_away",)),
        (Standing("granted", "active", for_person=True, presence=2), ("person_died",)),
        (
            Standing("granted", "active", for_person=True, match_status="MENINGGAL"),
            ("person_died",),
        ),
        (Standing("granted", "active", for_person=False, presence=2), ()),
    ],
)
def test_enrolment_family_and_death_block_a_handover(standing, codes):
    assert blocks(standing) == codes


@pytest.mark.parametrize(
    ("standing", "codes"),
    [
        (Standing("granted", None, for_person=False), ("family_unknown",)),
        (Standing("granted", "active", for_person=True, presence=3), ("person_moved",)),
        (Standing("granted", "active", for_person=True, presence=6), ("person_not_found",)),
    ],
)
def test_what_is_doubtful_is_flagged_and_blocks_nothing(standing, codes):
    assert flags(standing) == codes
    assert blocks(standing) == ()
