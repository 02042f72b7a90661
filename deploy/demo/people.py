"""The invented officials through whose hands the demonstration's data go."""

from deploy.local.issuer import PEOPLE, REGENCY, Person
from services.shared.roles import Role

ADMIN = PEOPLE["admin"]
VERIFIER = PEOPLE["verifikator"]
LEADER = PEOPLE["pimpinan"]


def village_operator(village: str) -> Person:
    """Return the operator of one village, who uploads its list."""
    return Person(
        subject=f"operator-{village}",
        name=f"Operator {village}",
        roles=[Role.OPERATOR_DESA],
        regions=[village],
    )


def village_head(village: str) -> Person:
    """Return the head of one village, who approves what the operator uploaded."""
    return Person(
        subject=f"kades-{village}",
        name=f"Kepala desa {village}",
        roles=[Role.KADES],
        regions=[village],
    )


def officer(agency: str, number: int = 1) -> Person:
    """Return an officer of an agency; number 2 approves what number 1 proposed."""
    return Person(
        subject=f"petugas-{agency.lower()}-{number}",
        name=f"Petugas {agency} {number}",
        roles=[Role.PETUGAS_SKPD],
        regions=[REGENCY],
        agency=agency,
    )
