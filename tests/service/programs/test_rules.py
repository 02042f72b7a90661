"""Rules over HTTP: saved with versions, previewed in sentences, finding candidates."""

from typing import Any

import pytest

from tests.service.programs.builders import (
    VILLAGE,
    WALKING,
    a_condition,
    a_family,
    a_member,
    a_rank,
    a_region,
    who_walks_badly,
)
from tests.service.programs.world import ADMIN, OFFICER, VERIFIER, World

FAR = "62.02.07.2001"


@pytest.fixture(scope="module")
async def program(world: World) -> dict[str, Any]:
    await world.hear(
        a_region(),
        a_region(FAR, "kelurahan"),
        who_walks_badly(1),
        who_walks_badly(2),
        who_walks_badly(4, FAR),
        who_walks_badly(5),
        who_walks_badly(None),
        a_family(a_member(condition=a_condition(q428c=1)), desil=None, ranks=(a_rank(6, 10),)),
        a_family(a_member(condition=a_condition(q428c=3)), desil=1),
        a_family(a_member(condition=a_condition(q428c=1), presence=2), desil=1),
        a_family(a_member(condition=a_condition(q428c=1)), desil=1, status="moved"),
        a_family(desil=1),
    )
    return await world.active_program("ALAT", unit="person", rule=WALKING)


async def test_candidates_are_who_satisfies_the_rule_with_the_sentences_why(
    world: World, program: dict[str, Any]
) -> None:
    path = f"/v1/programs/{program['program_id']}/candidates?year=2026"
    page = await world.ok("GET", path, OFFICER)
    assert [each["desil"] for each in page["data"]] == [1, 2, 4]
    first = page["data"][0]
    assert first["facts"]["desil"] == 1
    assert [reason["text_id"] for reason in first["reasons"]] == [
        "✓ Desil 1 (syarat 1\N{EN DASH}4)",
        "✓ Kesulitan berjalan atau naik tangga (428c): kode 1 (syarat 1, 2)",
    ]
    assert page["rule_version"] == 1
    elsewhere = await world.ok("GET", f"{path}&region=62.02.07", OFFICER)
    assert [each["region_code"] for each in elsewhere["data"]] == [FAR]


async def test_candidates_come_in_pages_in_the_same_order(
    world: World, program: dict[str, Any]
) -> None:
    path = f"/v1/programs/{program['program_id']}/candidates?limit=2"
    first = await world.ok("GET", path, OFFICER)
    second = await world.ok("GET", f"{path}&cursor={first['next']}", OFFICER)
    assert [each["desil"] for each in first["data"] + second["data"]] == [1, 2, 4]
    assert second["next"] is None


async def test_a_caller_sees_candidates_of_the_own_region_only(
    world: World, program: dict[str, Any]
) -> None:
    path = f"/v1/programs/{program['program_id']}/candidates"
    near = OFFICER | {"regions": ("62.02.07",)}
    assert [each["region_code"] for each in (await world.ok("GET", path, near))["data"]] == [FAR]
    nowhere = OFFICER | {"regions": ()}
    assert (await world.ok("GET", path, nowhere))["data"] == []


async def test_an_officer_of_another_agency_gets_no_candidates(
    world: World, program: dict[str, Any]
) -> None:
    other = {"roles": ("petugas_skpd",), "agency": "DISDIK"}
    path = f"/v1/programs/{program['program_id']}/candidates"
    assert await world.refused("GET", path, other) == (403, "not_your_agency")


@pytest.mark.usefixtures("program")
async def test_a_preview_says_the_rule_counts_and_spreads_it(world: World) -> None:
    body = {"tree": WALKING, "unit": "person"}
    preview = await world.ok("POST", "/v1/rules/preview", OFFICER, body)
    assert [line["id"] for line in preview["sentences"]] == [
        "Semua syarat ini terpenuhi:",
        "  Desil 1\N{EN DASH}4",
        "  Kesulitan berjalan atau naik tangga (428c): kode 1, 2",
    ]
    assert preview["sentences"][0]["en"] == "All of these hold:"
    assert preview["count"] == 3
    spread = [(each["region_code"], each["count"]) for each in preview["villages"]]
    assert spread == [(VILLAGE, 2), (FAR, 1)]
    assert len(preview["sample"]) == 3
    families = await world.ok(
        "POST", "/v1/rules/preview", OFFICER, {"tree": {"desil": {"maks": 1}}, "unit": "family"}
    )
    assert families["count"] == 4


@pytest.mark.usefixtures("program")
async def test_an_empty_rule_matches_nobody_and_neither_does_its_negation(world: World) -> None:
    for tree in ({}, {"semua": []}, {"salah_satu": []}, {"tidak": {"semua": []}}):
        body = {"tree": tree, "unit": "family"}
        preview = await world.ok("POST", "/v1/rules/preview", OFFICER, body)
        assert (preview["count"], preview["sample"]) == (0, [])


@pytest.mark.parametrize(
    "tree",
    [
        {"miskin": {"ya": True}},
        {"desil": {"maks": 11}},
        {"desil": {"maks": 4, "lain": 1}},
        {"desil": {"min": 5, "maks": 4}},
        {"kondisi_anggota": {"pertanyaan": "999", "kode": [1]}},
        {"kondisi_anggota": {"pertanyaan": "428c", "kode": [9]}},
        {"kondisi_anggota": {"pertanyaan": "431a", "kode": [1]}},
        {"wilayah": {"awalan": ["62.02%"]}},
        {"menerima": {"program_id": "0192f000-0000-7000-8000-000000000009"}},
        {"semua": [{"desil": {"maks": 4}}] * 101},
        {"semua": {"desil": {"maks": 4}}},
        {"semua": [], "salah_satu": []},
    ],
)
async def test_what_cannot_be_compiled_is_refused_when_saved(
    world: World, program: dict[str, Any], tree: Any
) -> None:
    body = {"tree": tree, "legal_reference": "Perbup 1/2026", "valid_from": "2026-01-01"}
    path = f"/v1/programs/{program['program_id']}/rules"
    assert await world.refused("POST", path, OFFICER, body) == (422, "invalid_rule")
    assert len((await world.ok("GET", path, OFFICER))["data"]) == 1


async def test_a_rule_does_not_end_before_it_begins(world: World, program: dict[str, Any]) -> None:
    body = {
        "tree": WALKING,
        "legal_reference": "Perbup 1/2026",
        "valid_from": "2026-01-01",
        "valid_to": "2025-01-01",
    }
    path = f"/v1/programs/{program['program_id']}/rules"
    answer = await world.call("POST", path, OFFICER, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["code"] == "dates_in_order"


async def test_a_rule_for_villages_or_groups_is_refused(world: World) -> None:
    body = {"tree": {"desil": {"maks": 1}}, "unit": "village"}
    assert await world.refused("POST", "/v1/rules/preview", OFFICER, body) == (422, "invalid_rule")


async def test_a_new_version_of_a_rule_is_in_force_from_its_date(world: World) -> None:
    program = await world.active_program("VERSI", rule={"desil": {"maks": 1}})
    path = f"/v1/programs/{program['program_id']}"
    later = {
        "tree": {"desil": {"maks": 4}},
        "legal_reference": "Perbup 2/2027",
        "valid_from": "2999-01-01",
    }
    second = await world.ok("POST", f"{path}/rules", OFFICER, later)
    assert second["version"] == 2
    assert (await world.ok("GET", f"{path}/candidates", OFFICER))["rule_version"] == 1
    third = await world.rule(program["program_id"], {"desil": {"maks": 3}})
    assert third["version"] == 3
    assert (await world.ok("GET", f"{path}/candidates", OFFICER))["rule_version"] == 3
    assert (await world.ok("GET", path, OFFICER))["target_desil_max"] == 3


async def test_stacking_rules_are_saved_once_by_dinsos(world: World) -> None:
    one, two = await world.active_program("SATU"), await world.active_program("DUA")
    body = {
        "program_a": one["program_id"],
        "program_b": two["program_id"],
        "legal_reference": "PMK 7/2026",
        "valid_from": "2026-01-01",
    }
    path = "/v1/rules/stacking"
    assert await world.refused("POST", path, OFFICER, body) == (403, "role_missing")
    await world.ok("POST", path, ADMIN, body)
    swapped = body | {"program_a": body["program_b"], "program_b": body["program_a"]}
    assert await world.refused("POST", path, ADMIN, swapped) == (409, "invalid_stacking_rule")
    same = body | {"program_b": body["program_a"]}
    assert await world.refused("POST", path, ADMIN, same) == (409, "invalid_stacking_rule")
    assert len((await world.ok("GET", path, VERIFIER))["data"]) == 1


async def test_an_answer_says_how_fresh_it_is_and_waits_for_a_position(
    world: World, program: dict[str, Any]
) -> None:
    family = who_walks_badly(3)
    await world.hear((family, 4))
    path = f"/v1/programs/{program['program_id']}/candidates?min_position="
    place = f"registry.family.state.v1/{family.family_id}"
    there = await world.ok("GET", f"{path}{place}/1/4", OFFICER)
    assert there["stale"] is False
    assert there["as_of"]["registry"] is not None
    later = await world.ok("GET", f"{path}{place}/1/5", OFFICER)
    assert later["stale"] is True
    own = await world.call("GET", f"{path}programs.program.state.v1/x/1/9", OFFICER)
    assert own.json()["stale"] is False
    assert await world.refused("GET", f"{path}omong-kosong", OFFICER) == (400, "position_invalid")
