"""Guards of projections: (epoch, version) of every state that a service keeps of another."""

from tests.mutants.mutant import Mutant

NEWER = "WHERE (excluded.epoch, excluded.version) >= (old.epoch, old.version)"
INDICATORS = "services/indicators/storage/projections.py"
DISTRIBUTION = "services/distribution/storage/projections.py"


def _case(service: str, table: str) -> str:
    test = "tests/service/test_versions.py::test_an_older_state_changes_nothing_in_any_projection"
    return f"{test}[{service} {table}]"


def _indicators(table: str, before: str, after: str = '"""') -> Mutant:
    guard = "WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)"
    return Mutant(
        f"version-indicators-{table}",
        f"indicators: an older state of {table} changes nothing",
        INDICATORS,
        f"{before}\n{guard}\n{after}",
        f"{before}\n{after}",
        (_case("indicators", table),),
    )


def _distribution(table: str) -> Mutant:
    return Mutant(
        f"version-distribution-{table}",
        f"distribution: an older state of {table} changes nothing",
        DISTRIBUTION,
        f"WHERE ({table}.epoch, {table}.version) < (excluded.epoch, excluded.version)",
        "WHERE true",
        (_case("distribution", table),),
    )


def _programs(table: str, file: str, before: str, after: str) -> Mutant:
    return Mutant(
        f"version-programs-{table}",
        f"programs: an older state of {table} changes nothing",
        file,
        f"{before}{NEWER}{after}",
        f"{before}WHERE true{after}",
        (_case("programs", table),),
    )


FAMILIES = "services/programs/storage/families.py"

MUTANTS = (
    Mutant(
        "version-registry-aid",
        "registry: an older state of aid changes nothing",
        "services/registry/storage/aid.py",
        "            where=tuple_(stmt.excluded.epoch, stmt.excluded.version)\n"
        "            > tuple_(col(FamilyAidRow.epoch), col(FamilyAidRow.version)),",
        "            where=col(FamilyAidRow.epoch) > 0,",
        (_case("registry", "family_aid"),),
    ),
    Mutant(
        "epoch",
        "a higher epoch wins over a higher version",
        FAMILIES,
        f"    version = excluded.version\n{NEWER}\nRETURNING family_id",
        "    version = excluded.version\nWHERE excluded.version >= old.version\n"
        "RETURNING family_id",
        (
            (
                "tests/service/programs/test_projection.py::"
                "test_a_higher_epoch_wins_over_a_higher_version"
            ),
        ),
    ),
    _programs("family_facts", FAMILIES, "", "\nRETURNING family_id, xmax"),
    _programs(
        "region_facts",
        FAMILIES,
        "    epoch = excluded.epoch, version = excluded.version\n",
        '\n"""\n\n\nasync def save_families',
    ),
    _programs("person_identities", "services/programs/storage/persons.py", "", ""),
    _programs("entitlement_facts", "services/programs/storage/deliveries.py", "", ""),
    *(_distribution(name) for name in ("regions", "programs", "enrolments", "families", "persons")),
    _indicators("regions", "    epoch = excluded.epoch, version = excluded.version", '"""\n\n_FAM'),
    _indicators(
        "families",
        "    survivor_id = excluded.survivor_id, epoch = excluded.epoch,"
        " version = excluded.version",
    ),
    _indicators(
        "organisations",
        "    name = excluded.name, kind = excluded.kind, epoch = excluded.epoch,"
        " version = excluded.version",
    ),
    _indicators(
        "programs",
        "    epoch = excluded.epoch, version = excluded.version",
        "RETURNING program_id",
    ),
    _indicators(
        "enrolments",
        "    status = excluded.status, sensitive = excluded.sensitive,\n"
        "    epoch = excluded.epoch, version = excluded.version",
    ),
    _indicators(
        "entitlements",
        "    sensitive = excluded.sensitive, epoch = excluded.epoch, version = excluded.version",
    ),
    Mutant(
        "version-indicators-cycles",
        "indicators: an older state of cycles changes nothing",
        INDICATORS,
        "    WHERE (kept.epoch, kept.version) < (excluded.epoch, excluded.version)\n)\nSELECT",
        ")\nSELECT",
        (_case("indicators", "cycles"),),
    ),
)
