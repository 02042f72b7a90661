"""Where the databases show what happened: SQL only, no judgement. ``checker`` judges.

Each statement runs in the database of the service named beside it.
"""

from dataclasses import dataclass

SERVICES = ("registry", "programs", "distribution", "indicators")

EFFECTS: dict[str, tuple[str, str]] = {
    "upload": ("registry", "SELECT file_name FROM uploads"),
    "import": ("registry", "SELECT upload_id FROM imports"),
    "merge": ("registry", "SELECT id FROM imports WHERE state IN ('reviewed','merged')"),
    "family": ("registry", "SELECT id FROM families"),
    "correction": (
        "registry",
        (
            "SELECT payload->>'reason' FROM audit_entries JOIN audit_payloads ON entry_id = id"
            " WHERE action = 'correct_domicile'"
        ),
    ),
    "organisation": ("programs", "SELECT code FROM organisations"),
    "program": ("programs", "SELECT owner_code || '/' || code FROM programs"),
    "rule": ("programs", "SELECT program_id FROM eligibility_rules"),
    "enrolment": (
        "programs",
        "SELECT concat_ws('/', program_id, year, recipient_id) FROM enrolments",
    ),
    "grant": ("programs", "SELECT enrolment_id FROM enrolment_log WHERE action = 'approve'"),
    "cycle": ("distribution", "SELECT concat_ws('/', program_id, year, name) FROM cycles"),
    "entitlement": ("distribution", "SELECT id FROM entitlements"),
    "session": ("distribution", "SELECT place FROM sessions"),
    "delivery": ("distribution", "SELECT id FROM deliveries"),
    "return": ("distribution", "SELECT id FROM delivery_returns"),
    # An agency's event by its id: its one effect, or its one place among the parked.
    "report": (
        "programs",
        (
            "SELECT event_id FROM inbox WHERE source LIKE 'skpd/%' UNION ALL SELECT event_id"
            " FROM parked_events WHERE stream LIKE 'IN%' AND event_id IS NOT NULL"
            " AND replayed_at IS NULL AND reason_code <> 'id_reused'"
        ),
    ),
    "report of delivery": (
        "distribution",
        (
            "SELECT event_id FROM inbox WHERE source LIKE 'skpd/%' UNION ALL SELECT event_id"
            " FROM parked_events WHERE stream LIKE 'IN%' AND event_id IS NOT NULL"
            " AND replayed_at IS NULL AND reason_code <> 'id_reused'"
        ),
    ),
    # What cannot be read has no id of its own: the hash of its bytes.
    "poison": (
        "programs",
        "SELECT encode(sha256(raw), 'hex') FROM parked_events WHERE replayed_at IS NULL",
    ),
    "poison of delivery": (
        "distribution",
        "SELECT encode(sha256(raw), 'hex') FROM parked_events WHERE replayed_at IS NULL",
    ),
    "poison of fact": (
        "indicators",
        "SELECT encode(sha256(raw), 'hex') FROM parked_events WHERE replayed_at IS NULL",
    ),
}
"""What a client asks for: where, and the key of each effect, once per effect."""

ASKED_ONLY = frozenset({"import", "correction", "enrolment", "grant", "cycle", "session", "return"})
"""Kinds that come into being by a client's call alone, so that one from nowhere is a fault."""

HEARD_LATER = frozenset(
    {"report", "report of delivery", "poison", "poison of delivery", "poison of fact"}
)
"""Kinds whose acknowledgement is the stream's: their effect follows."""

TWICE: dict[str, tuple[str, str]] = {
    "an enrolment is live twice": (
        "programs",
        (
            "SELECT concat_ws('/', program_id, year, recipient_id) FROM enrolments"
            " WHERE status IN ('proposed','granted','suspended') GROUP BY 1 HAVING count(*) > 1"
        ),
    ),
    "an enrolment is entitled twice in a cycle": (
        "distribution",
        (
            "SELECT concat_ws('/', cycle_id, enrolment_id) FROM entitlements"
            " GROUP BY 1 HAVING count(*) > 1"
        ),
    ),
    "more or less was handed over than the entitlement says": (
        "distribution",
        (
            "SELECT e.id FROM entitlements AS e"
            " LEFT JOIN (SELECT entitlement_id, sum(quantity) AS n FROM deliveries GROUP BY 1) AS d"
            " ON d.entitlement_id = e.id"
            " LEFT JOIN (SELECT entitlement_id, sum(r.quantity) AS n FROM delivery_returns AS r"
            " JOIN deliveries AS d ON d.id = r.delivery_id GROUP BY 1) AS back"
            " ON back.entitlement_id = e.id"
            " WHERE coalesce(d.n, 0) - coalesce(back.n, 0) <> e.delivered_quantity"
            " OR e.delivered_quantity > e.quantity"
        ),
    ),
    "an entitlement was not reserved exactly once": (
        "distribution",
        (
            "SELECT e.id FROM entitlements AS e LEFT JOIN ledger_entries AS l"
            " ON l.entitlement_id = e.id AND l.kind = 'reserve'"
            " GROUP BY e.id HAVING count(l.id) <> 1"
        ),
    ),
    "a delivery was not posted exactly once": (
        "distribution",
        (
            "SELECT d.id FROM deliveries AS d LEFT JOIN ledger_entries AS l"
            " ON l.delivery_id = d.id AND l.kind = 'deliver' AND l.amount_idr = d.value_idr"
            " GROUP BY d.id HAVING count(l.id) <> 1"
        ),
    ),
    "a return was not posted exactly once": (
        "distribution",
        (
            "SELECT r.id FROM delivery_returns AS r LEFT JOIN ledger_entries AS l"
            " ON l.return_id = r.id AND l.amount_idr = r.value_idr"
            " GROUP BY r.id HAVING count(l.id) <> 1"
        ),
    ),
}
"""Statements that return whoever breaks the rule; none is right."""

LEDGER: dict[str, str] = {
    "debits and credits differ": (
        "SELECT concat_ws('/', program_id, year) FROM ledger_accounts GROUP BY 1"
        " HAVING sum(balance_idr) <> 0 OR sum(balance_units) <> 0"
    ),
    "a balance is not the sum of its entries": (
        "SELECT concat_ws('/', program_id, year, account) FROM ("
        " SELECT program_id, year, account, -balance_idr AS idr, -balance_units AS units"
        " FROM ledger_accounts UNION ALL"
        " SELECT program_id, year, debited, -amount_idr, -units FROM ledger_entries UNION ALL"
        " SELECT program_id, year, credited, amount_idr, units FROM ledger_entries) AS lines"
        " GROUP BY 1 HAVING sum(idr) <> 0 OR sum(units) <> 0"
    ),
    "what is committed is not what is still due": (
        "SELECT concat_ws('/', program_id, year) FROM ("
        " SELECT program_id, year, -balance_idr AS idr, -balance_units AS units"
        " FROM ledger_accounts WHERE account = 'committed' UNION ALL"
        " SELECT program_id, year, (quantity - delivered_quantity) * unit_value_idr,"
        " quantity - delivered_quantity FROM entitlements WHERE status <> 'void') AS lines"
        " GROUP BY 1 HAVING sum(idr) <> 0 OR sum(units) <> 0"
    ),
}
"""Books that do not agree, in distribution; none is right."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one consumer heard of one producer's type, and where it keeps it."""

    service: str
    consumer: str
    event_type: str
    kept: str
    """Statement that gives (key, epoch, version) of a state, or (key) of a fact."""

    @property
    def producer(self) -> str:
        return self.event_type.split(".", 1)[0]


def _state(service: str, consumer: str, event_type: str, table: str, key: str) -> Heard:
    # As in a subject: dots become dashes.
    kept = f"SELECT replace({key}::text, '.', '-') AS key, epoch, version FROM {table}"
    return Heard(service, consumer, event_type, kept)


def _fact(service: str, consumer: str, event_type: str, table: str, key: str) -> Heard:
    return Heard(service, consumer, event_type, f"SELECT {key}::text AS key FROM {table}")


REGION, FAMILY = "registry.region.state.v1", "registry.family.state.v1"
PERSON, PROGRAM = "registry.person.identity.v1", "programs.program.state.v1"
ENROLMENT, ENTITLEMENT = "programs.enrolment.state.v1", "distribution.entitlement.state.v1"
AID = "family_aid WHERE kind = '{}'"

STATES = (
    _state("registry", "registry_enrolments", ENROLMENT, AID.format("enrolment"), "subject_id"),
    _state("registry", "registry_entitlements", ENTITLEMENT,
           AID.format("entitlement"), "subject_id"),
    _state("programs", "families", REGION, "region_facts", "code"),
    _state("programs", "families", FAMILY, "family_facts", "family_id"),
    _state("programs", "identities", PERSON, "person_identities", "person_id"),
    _state("programs", "entitlements", ENTITLEMENT, "entitlement_facts", "entitlement_id"),
    _state("distribution", "registry-regions", REGION, "regions", "code"),
    _state("distribution", "registry-families", FAMILY, "families", "id"),
    _state("distribution", "registry-identities", PERSON, "persons", "id"),
    _state("distribution", "programs-programs", PROGRAM, "programs", "id"),
    _state("distribution", "programs-enrolments", ENROLMENT, "enrolments", "id"),
    _state("indicators", "registry", REGION, "regions", "code"),
    _state("indicators", "registry", FAMILY, "families", "family_id"),
    _state("indicators", "programs", "programs.organisation.state.v1", "organisations", "code"),
    _state("indicators", "programs", PROGRAM, "programs", "program_id"),
    _state("indicators", "programs", ENROLMENT, "enrolments", "enrolment_id"),
    # Epoch 0 marks a cycle that an entitlement named before its own state came.
    _state("indicators", "distribution_states", "distribution.cycle.state.v1",
           "cycles WHERE epoch > 0", "cycle_id"),
    _state("indicators", "distribution_states", ENTITLEMENT, "entitlements", "entitlement_id"),
)  # fmt: skip
FACTS = (
    _fact("indicators", "distribution_facts", "distribution.delivery.completed.v1",
          "deliveries", "delivery_id"),
    _fact("indicators", "distribution_facts", "distribution.delivery.returned.v1",
          "returns", "return_id"),
)  # fmt: skip

Question = tuple[str, str]

PAIRS: dict[str, tuple[Question, Question]] = {
    "families in programs": (
        ("registry", "SELECT id, region_code, household_id, version FROM families"),
        ("programs", "SELECT family_id, region_code, household_id, version FROM family_facts"),
    ),
    "families in distribution": (
        ("registry", "SELECT id, region_code, status, version FROM families"),
        ("distribution", "SELECT id, region_code, status, version FROM families"),
    ),
    "families in indicators": (
        ("registry", "SELECT id, region_code, status = 'active', member_count FROM families"),
        ("indicators", "SELECT family_id, region_code, active, members FROM families"),
    ),
    "persons in programs": (
        ("registry", "SELECT id, nik_index, nik_masked FROM persons"),
        ("programs", "SELECT person_id, nik_index, nik_masked FROM person_identities"),
    ),
    "persons in distribution": (
        ("registry", "SELECT id, nik_index, nik_masked FROM persons"),
        ("distribution", "SELECT id, nik_index, nik_masked FROM persons"),
    ),
    "programs in distribution": (
        ("programs", "SELECT program_id, code, owner_code, status, version FROM programs"),
        ("distribution", "SELECT id, code, owner_code, status, version FROM programs"),
    ),
    "programs in indicators": (
        ("programs", "SELECT program_id, code, owner_code, status, version FROM programs"),
        ("indicators", "SELECT program_id, code, owner_code, status, version FROM programs"),
    ),
    "enrolments in registry": (
        ("programs", "SELECT enrolment_id, version FROM enrolments"),
        ("registry", "SELECT subject_id, version FROM family_aid WHERE kind = 'enrolment'"),
    ),
    "enrolments in distribution": (
        ("programs", "SELECT enrolment_id, program_id, family_id, status, version FROM enrolments"),
        ("distribution", "SELECT id, program_id, family_id, status, version FROM enrolments"),
    ),
    "enrolments in indicators": (
        ("programs", "SELECT enrolment_id, program_id, family_id, status, version FROM enrolments"),
        (
            "indicators",
            "SELECT enrolment_id, program_id, family_id, status, version FROM enrolments",
        ),
    ),
    "cycles in indicators": (
        ("distribution", "SELECT id, program_id, year, version FROM cycles"),
        ("indicators", "SELECT cycle_id, program_id, year, version FROM cycles"),
    ),
    "entitlements in registry": (
        ("distribution", "SELECT id, version FROM entitlements"),
        ("registry", "SELECT subject_id, version FROM family_aid WHERE kind = 'entitlement'"),
    ),
    "entitlements in programs": (
        ("distribution", "SELECT id, status, delivered_quantity, version FROM entitlements"),
        (
            "programs",
            "SELECT entitlement_id, status, delivered_quantity, version FROM entitlement_facts",
        ),
    ),
    "entitlements in indicators": (
        (
            "distribution",
            "SELECT id, status, delivered_quantity * unit_value_idr, version FROM entitlements",
        ),
        (
            "indicators",
            "SELECT entitlement_id, status, delivered_value_idr, version FROM entitlements",
        ),
    ),
    "deliveries in indicators": (
        ("distribution", "SELECT id, family_id, quantity, value_idr FROM deliveries"),
        ("indicators", "SELECT delivery_id, family_id, quantity, value_idr FROM deliveries"),
    ),
    "returns in indicators": (
        ("distribution", "SELECT id, delivery_id, quantity, value_idr FROM delivery_returns"),
        ("indicators", "SELECT return_id, delivery_id, quantity, value_idr FROM returns"),
    ),
    "rupiah handed over, counted by indicators": (
        (
            "distribution",
            (
                "SELECT e.program_id, sum(delivered_quantity * unit_value_idr)::bigint"
                " FROM entitlements AS e GROUP BY 1"
            ),
        ),
        (
            "indicators",
            "SELECT program_id, sum(delivered_idr)::bigint FROM aid_tallies GROUP BY 1",
        ),
    ),
}
"""The producer's truth beside what a consumer keeps of it."""
