"""The role codes that a token may carry, handbook 5.1.

They stand here, beside ``auth``, because tokens of every issuer speak them and each service names
them in its own permission decisions. What a role may do is decided per route, in the services.
"""

from enum import StrEnum


class Role(StrEnum):
    """Who is calling. A caller may hold several."""

    OPERATOR_DESA = "operator_desa"
    PENDAMPING = "pendamping"
    KADES = "kades"
    CAMAT = "camat"
    DISDUKCAPIL = "disdukcapil"
    VERIFIKATOR_DINSOS = "verifikator_dinsos"
    ADMIN_DINSOS = "admin_dinsos"
    PIMPINAN = "pimpinan"
    PETUGAS_SKPD = "petugas_skpd"
    PENYALUR = "penyalur"
    ANALIS_TKPKD = "analis_tkpkd"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    DPO = "dpo"
    WARGA = "warga"
