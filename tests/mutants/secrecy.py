"""What nobody may read: numbers, names of files, small cells."""

from tests.mutants.mutant import Mutant

IDENTITIES = "services/registry/storage/identities.py"
ACCESS = "services/registry/actions/access.py"
REDACTION = "services/shared/redaction.py"
TEST_SEALING = "tests/unit/shared/test_sealing.py::"
TEST_FAMILIES = "tests/service/registry/test_families.py::"
TEST_PERSONS = "tests/service/registry/test_persons.py::"
TEST_FIGURES = "tests/service/indicators/test_figures.py::"

MUTANTS = (
    Mutant(
        "seal",
        "a NIK is not stored in clear",
        IDENTITIES,
        "            KeptNumber(box, one, mask_nik(number))",
        "            KeptNumber(number.encode(), one, mask_nik(number))",
        ("tests/service/registry/test_merging.py::test_no_number_is_stored_or_told_in_clear",),
    ),
    Mutant(
        "mask",
        "a NIK is shown with stars",
        IDENTITIES,
        "            KeptNumber(box, one, mask_nik(number))",
        "            KeptNumber(box, one, number)",
        ("tests/service/registry/test_merging.py::test_no_number_is_stored_or_told_in_clear",),
    ),
    Mutant(
        "mask-width",
        "of a number four digits at each end are shown",
        "services/shared/sealing.py",
        'return f"{number[:4]}********{number[-4:]}"',
        'return f"{number[:12]}{number[-4:]}"',
        ("tests/unit/shared/test_sealing.py::test_a_mask_shows_four_and_four",),
    ),
    Mutant(
        "seal-context",
        "a sealed number opens in its own column only",
        "services/shared/sealing.py",
        "return cipher.decrypt(nonce, body, context.encode()).decode()",
        "return next(\n                cipher.decrypt(nonce, body, each.encode()).decode()\n"
        '                for each in ("person.nik", context)\n            )',
        ("tests/unit/shared/test_sealing.py::test_a_sealed_number_opens_in_its_context_only",),
    ),
    Mutant(
        "keyed-index",
        "who has the table but not the key cannot try numbers",
        "services/shared/sealing.py",
        'return hmac.digest(key, kind.encode() + b"\\0" + value.encode(), "sha256")',
        'return hmac.digest(b"", kind.encode() + b"\\0" + value.encode(), "sha256")',
        (
            TEST_SEALING + "test_after_index_rotation_both_versions_are_searched_the_active_first",
            TEST_SEALING + "test_the_index_is_equal_for_equal_numbers_of_one_kind_only",
        ),
    ),
    Mutant(
        "birth-date",
        "beside a masked NIK stands the age, never the birth date",
        "services/registry/api/views.py",
        'body["age"] = age(body.pop("birth_date"), today)',
        'body["age"] = age(body["birth_date"], today)',
        (TEST_PERSONS + "test_a_person_is_shown_with_age_and_mask",),
    ),
    Mutant(
        "reveal-log",
        "who sees a number is written down",
        ACCESS,
        '    _log(tx, actor, "reveal_nik", purpose, person_ids=[person_id], found=True)\n',
        "",
        (TEST_PERSONS + "test_a_reveal_answers_the_number_and_the_log_knows_who_what_and_why",),
    ),
    Mutant(
        "reveal-audit",
        "and chained in the audit",
        ACCESS,
        '    tx.audit("reveal_nik", f"person/{person_id}", payload, actor.id)\n',
        "",
        (
            (
                "tests/service/registry/test_guards.py::"
                "test_a_reveal_is_chained_in_the_audit_with_its_purpose"
            ),
        ),
    ),
    Mutant(
        "search-log",
        "who looks a family up by its number is written down",
        ACCESS,
        '    _log(tx, actor, f"search_{kind}", purpose, family_ids=ids, found=bool(visible))\n',
        "",
        (TEST_FAMILIES + "test_a_search_by_number_finds_the_family_and_is_logged",),
    ),
    Mutant(
        "log-numbers",
        "no NIK in a log",
        REDACTION,
        "    return LONG_NUMBER.sub(HIDDEN, text)",
        "    return text",
        (
            (
                "tests/unit/shared/test_redaction.py::"
                "test_a_sixteen_digit_number_is_hidden_wherever_it_stands"
            ),
        ),
    ),
    Mutant(
        "log-keys",
        "no name or address in a log",
        REDACTION,
        "return HIDDEN if key.lower() in PERSONAL_KEYS else scrub(item, depth + 1)",
        "return scrub(item, depth + 1)",
        ("tests/unit/shared/test_redaction.py::test_personal_keys_are_hidden_and_trace_ids_stay",),
    ),
    Mutant(
        "blob-key",
        "a file is unreadable without its key",
        "services/shared/blobs.py",
        'return AESGCM(HKDF(SHA256(), 32, salt, b"betang blob").derive(key))',
        'return AESGCM(HKDF(SHA256(), 32, salt, b"betang blob").derive(bytes(32)))',
        ("tests/unit/shared/test_blobs.py::test_content_is_closed_to_another_key",),
    ),
    Mutant(
        "blob-cut",
        "a file cut off is noticed",
        "services/shared/blobs.py",
        '(b"\\1" if last else b"\\0")',
        'b"\\0"',
        ("tests/unit/shared/test_blobs.py::test_a_changed_cut_or_rearranged_object_is_noticed",),
    ),
    Mutant(
        "blob-name",
        "the name of a file does not tell its hash",
        "services/shared/blobs.py",
        'hmac.digest(self._keys.active_key, b"name\\0" + sha256, "sha256").hex()',
        "sha256.hex()",
        ("tests/unit/shared/test_blobs.py::test_the_name_of_content_needs_the_key",),
    ),
    Mutant(
        "small-cells",
        "a count under ten is not published",
        "services/indicators/domain/suppression.py",
        "    return 0 < count < cell_min",
        "    return 0 < count < 0 * cell_min",
        (
            "tests/unit/indicators/test_suppression.py::test_cells_of_one_to_nine_are_small",
            TEST_FIGURES + "test_an_analyst_gets_no_cell_under_ten",
        ),
    ),
    Mutant(
        "small-cells-complement",
        "nor can it be had by subtracting",
        "services/indicators/domain/suppression.py",
        "        if sum(hidden) >= 2 and held >= cell_min:",
        "        if sum(hidden) >= 1 and held >= 0 * cell_min:",
        (
            (
                "tests/unit/indicators/test_suppression.py::"
                "test_a_single_hidden_cell_takes_the_next_smallest_with_it"
            ),
        ),
    ),
)
