"""What may be uploaded as proof of a handover, by whom, for how long."""

from services.distribution.api.permissions import HANDS
from services.shared.roles import Role
from services.shared.uploads import UploadPurpose

PROOF_BYTES_MAX = 10_000_000
"""A phone's photo has 3 to 6 MB; a scanned list of signatures a little more."""

DELIVERY_PROOF = UploadPurpose(
    name="delivery_proof",
    media_types=frozenset({"image/jpeg", "image/png", "image/webp", "application/pdf"}),
    size_max=PROOF_BYTES_MAX,
    senders=frozenset(HANDS),
    readers=frozenset({Role.PETUGAS_SKPD, Role.ADMIN_DINSOS, Role.VERIFIKATOR_DINSOS}),
)
