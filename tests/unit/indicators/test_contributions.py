from services.indicators.domain.contributions import MaskCount, bit, group_label, matrix


def test_a_family_with_two_programs_is_one_family_in_every_margin():
    health_one = bit("KESEHATAN", "I")
    economy_three = bit("EKONOMI", "III")
    table = matrix(
        [
            # 5 families entitled and reached in both, 2 entitled to health and not reached.
            MaskCount(health_one | economy_three, health_one | economy_three, 5),
            MaskCount(health_one, 0, 2),
        ],
        {("KESEHATAN", "I"): 7_000, ("EKONOMI", "III"): 3_000},
    )
    assert table.cells["KESEHATAN", "I"].families_entitled == 7
    assert table.cells["KESEHATAN", "I"].families_reached == 5
    assert table.cells["EKONOMI", "III"].families_reached == 5
    assert table.total.families_entitled == 7
    assert table.total.families_reached == 5  # not 5 + 5
    assert table.total.delivered_idr == 10_000
    assert table.by_field["KESEHATAN"].delivered_idr == 7_000
    assert table.by_group["III"].families_reached == 5
    assert table.cells["PENDIDIKAN", "II"].families_reached == 0


def test_klaster_four_is_shown_as_other():
    assert [group_label(name) for name in ("I", "II", "III", "IV")] == ["I", "II", "III", "lainnya"]
