"""The permission matrix, by hand: which role may use which route (DESIGN section 4, "Who may").

Regions and agencies narrow what a role sees on a route; that is tested with each service. A route
that is not here fails its test: somebody has to decide.
"""

from services.shared.roles import Role

ADMIN = Role.ADMIN_DINSOS
VERIFIER = Role.VERIFIKATOR_DINSOS
OPERATOR = Role.OPERATOR_DESA
HEAD = Role.KADES
CAMAT = Role.CAMAT
COMPANION = Role.PENDAMPING
OFFICER = Role.PETUGAS_SKPD
HANDOVER = Role.PENYALUR
LEADER = Role.PIMPINAN
ANALYST = Role.ANALIS_TKPKD
AUDITOR = Role.AUDITOR
INTEGRATOR = Role.INTEGRATOR
CIVIL = Role.DISDUKCAPIL
DPO = Role.DPO
CITIZEN = Role.WARGA

DINSOS = {ADMIN, VERIFIER}
VILLAGE = {OPERATOR, HEAD}
FIELD = {*VILLAGE, COMPANION, CAMAT}
EVERYBODY = set(Role)
STAFF = EVERYBODY - {CITIZEN}
"""Everyone who works for the regency; a citizen has /v1/me and public lists only."""

NAMED_FAMILIES = {*DINSOS, *FIELD, LEADER, AUDITOR}
"""Sees families of the own regions, masked. Neither analysts nor integrators see people."""

LOOKS_UP = {*DINSOS, *FIELD, OFFICER, CIVIL}
"""Finds by NIK or KK number, with a purpose that is logged."""

HANDLES_LISTS = {*DINSOS, *VILLAGE}
PROPOSES = {ADMIN, OFFICER}
DECIDES = {*PROPOSES, VERIFIER}
HANDS_OVER = {ADMIN, OFFICER, HANDOVER}
SEES_RECIPIENTS = {*HANDS_OVER, VERIFIER, *FIELD, LEADER, AUDITOR}
READS_FIGURES = {*DINSOS, *VILLAGE, CAMAT, OFFICER, LEADER, ANALYST, AUDITOR}
READS_REGENCY_FIGURES = READS_FIGURES - {*VILLAGE, CAMAT}
FEED = {*DINSOS, OFFICER, INTEGRATOR}
OPERATES = {ADMIN, INTEGRATOR}
UPLOADS_LISTS = {*DINSOS, OPERATOR}

MATRIX: dict[str, dict[str, set[Role]]] = {
    "registry": {
        "GET /v1/regions": EVERYBODY,
        "GET /v1/regions/{code}": EVERYBODY,
        "GET /v1/code-lists": EVERYBODY,
        "GET /v1/code-lists/{scheme}/{version}/{variable}": EVERYBODY,
        "GET /v1/families": NAMED_FAMILIES,
        "POST /v1/families/batch": {*NAMED_FAMILIES, OFFICER},
        "POST /v1/families/search": LOOKS_UP,
        "GET /v1/families/{family_id}": {*NAMED_FAMILIES, OFFICER},
        "GET /v1/families/{family_id}/aid": {*NAMED_FAMILIES, OFFICER},
        "PATCH /v1/families/{family_id}": {*DINSOS, OPERATOR},
        "POST /v1/persons/search": LOOKS_UP,
        "GET /v1/persons/{person_id}": {*NAMED_FAMILIES, OFFICER, CIVIL},
        "GET /v1/persons/{person_id}/accesses": {DPO},
        "POST /v1/persons/{person_id}/reveal": {*DINSOS, OPERATOR, CIVIL},
        "POST /v1/imports": HANDLES_LISTS,
        "GET /v1/imports": {*HANDLES_LISTS, CAMAT, AUDITOR},
        "GET /v1/imports/templates/{import_format}": {*HANDLES_LISTS, CAMAT, AUDITOR},
        "GET /v1/imports/{import_id}": {*HANDLES_LISTS, CAMAT, AUDITOR},
        "GET /v1/imports/{import_id}/events": {*HANDLES_LISTS, CAMAT, AUDITOR},
        "GET /v1/imports/{import_id}/rows": HANDLES_LISTS,
        "GET /v1/imports/{import_id}/rejected.csv": HANDLES_LISTS,
        "POST /v1/imports/{import_id}/approve": HANDLES_LISTS,
        "POST /v1/imports/{import_id}/refuse": HANDLES_LISTS,
        "POST /v1/imports/{import_id}/cancel": HANDLES_LISTS,
        "POST /v1/uploads/registry": UPLOADS_LISTS,
        "HEAD /v1/uploads/registry/{upload_id}": UPLOADS_LISTS,
        "GET /v1/uploads/registry/{upload_id}": UPLOADS_LISTS,
        "PATCH /v1/uploads/registry/{upload_id}": UPLOADS_LISTS,
        "GET /v1/uploads/registry/{upload_id}/content": UPLOADS_LISTS,
        "GET /v1/changes/registry": FEED,
        "GET /v1/parked-events/registry": OPERATES,
        "POST /v1/parked-events/registry/{parked_id}/replay": OPERATES,
    },
    "programs": {
        "GET /v1/organisations": STAFF,
        "POST /v1/organisations": {ADMIN},
        "GET /v1/programs": STAFF,
        "POST /v1/programs": PROPOSES,
        "GET /v1/programs/{program_id}": STAFF,
        "GET /v1/programs/{program_id}/usage": STAFF,
        "PATCH /v1/programs/{program_id}": PROPOSES,
        "POST /v1/programs/{program_id}/submit": PROPOSES,
        "POST /v1/programs/{program_id}/return": DECIDES,
        "POST /v1/programs/{program_id}/approve": DECIDES,
        "POST /v1/programs/{program_id}/activate": PROPOSES,
        "POST /v1/programs/{program_id}/close": PROPOSES,
        "GET /v1/programs/{program_id}/rules": STAFF,
        "POST /v1/programs/{program_id}/rules": PROPOSES,
        "GET /v1/programs/{program_id}/candidates": DECIDES,
        "POST /v1/rules/preview": DECIDES,
        "GET /v1/rules/stacking": STAFF,
        "POST /v1/rules/stacking": {ADMIN},
        "GET /v1/enrolments": {*NAMED_FAMILIES, OFFICER},
        "POST /v1/enrolments": PROPOSES,
        "POST /v1/enrolments/batch": PROPOSES,
        "POST /v1/enrolments/approve-batch": DECIDES,
        "POST /v1/enrolments/search": {*DINSOS, *FIELD, OFFICER},
        "GET /v1/enrolments/overlaps": {*DINSOS, LEADER, AUDITOR},
        "GET /v1/enrolments/{enrolment_id}": {*NAMED_FAMILIES, OFFICER},
        "POST /v1/enrolments/{enrolment_id}/approve": DECIDES,
        "POST /v1/enrolments/{enrolment_id}/refuse": DECIDES,
        "POST /v1/enrolments/{enrolment_id}/suspend": DECIDES,
        "POST /v1/enrolments/{enrolment_id}/resume": DECIDES,
        "POST /v1/enrolments/{enrolment_id}/end": DECIDES,
        "GET /v1/changes/programs": FEED,
        "GET /v1/parked-events/programs": OPERATES,
        "POST /v1/parked-events/programs/{parked_id}/replay": OPERATES,
    },
    "distribution": {
        "GET /v1/cycles": {*SEES_RECIPIENTS, ANALYST},
        "POST /v1/cycles": PROPOSES,
        "GET /v1/cycles/{cycle_id}": {*SEES_RECIPIENTS, ANALYST},
        "PATCH /v1/cycles/{cycle_id}": PROPOSES,
        "POST /v1/cycles/{cycle_id}/close": PROPOSES,
        "POST /v1/cycles/{cycle_id}/entitlements/generate": PROPOSES,
        "GET /v1/entitlements": SEES_RECIPIENTS,
        "GET /v1/entitlements/{entitlement_id}": SEES_RECIPIENTS,
        "POST /v1/entitlements/{entitlement_id}/void": PROPOSES,
        "POST /v1/sessions": HANDS_OVER,
        "GET /v1/sessions": HANDS_OVER,
        "GET /v1/sessions/{session_id}": HANDS_OVER,
        "POST /v1/sessions/{session_id}/close": HANDS_OVER,
        "GET /v1/sessions/{session_id}/recipients": HANDS_OVER,
        "POST /v1/deliveries": HANDS_OVER,
        "POST /v1/deliveries/batch": HANDS_OVER,
        "GET /v1/deliveries": SEES_RECIPIENTS,
        "GET /v1/deliveries/{delivery_id}": SEES_RECIPIENTS,
        "POST /v1/deliveries/{delivery_id}/return": HANDS_OVER,
        "POST /v1/deliveries/search": {*HANDS_OVER, VERIFIER, OPERATOR},
        "GET /v1/ledger/accounts": {ADMIN, OFFICER, LEADER, ANALYST, AUDITOR},
        "GET /v1/ledger/entries": {ADMIN, OFFICER, AUDITOR},
        "GET /v1/ledger/disbursement-orders": {ADMIN, OFFICER, AUDITOR},
        "POST /v1/ledger/disbursement-orders": PROPOSES,
        "POST /v1/uploads/distribution": HANDS_OVER,
        "HEAD /v1/uploads/distribution/{upload_id}": {*HANDS_OVER, VERIFIER},
        "GET /v1/uploads/distribution/{upload_id}": {*HANDS_OVER, VERIFIER},
        "PATCH /v1/uploads/distribution/{upload_id}": HANDS_OVER,
        "GET /v1/uploads/distribution/{upload_id}/content": {*HANDS_OVER, VERIFIER},
        "GET /v1/changes/distribution": FEED,
        "GET /v1/parked-events/distribution": OPERATES,
        "POST /v1/parked-events/distribution/{parked_id}/replay": OPERATES,
    },
    "indicators": {
        "GET /v1/indicators": {*READS_FIGURES, INTEGRATOR},
        "GET /v1/indicators/{code}": {*READS_FIGURES, INTEGRATOR},
        "GET /v1/indicators/{code}/values": {*READS_FIGURES, INTEGRATOR},
        "GET /v1/indicators/{code}/progress": {*READS_FIGURES, INTEGRATOR},
        "POST /v1/indicators/{code}/publish": {ADMIN, LEADER},
        "GET /v1/indicators/programs/{program_id}/summary": READS_FIGURES,
        "GET /v1/indicators/stream": READS_FIGURES,
        "GET /v1/indicators/expected-sources": READS_REGENCY_FIGURES,
        "POST /v1/indicators/expected-sources": {ADMIN},
        "GET /v1/contributions": READS_FIGURES,
        "GET /v1/contributions/matrix": READS_FIGURES,
        "GET /v1/coverage": READS_FIGURES,
        "GET /v1/unreached": {*DINSOS, *VILLAGE, CAMAT, LEADER, AUDITOR},
        "GET /v1/unreached/summary": READS_FIGURES,
        "GET /v1/budgets": READS_REGENCY_FIGURES,
        "GET /v1/official-statistics": READS_FIGURES,
        "POST /v1/official-statistics/import": {ADMIN},
        "GET /v1/targets": READS_FIGURES,
        "POST /v1/targets": {ADMIN},
        "GET /v1/changes/indicators": FEED,
        "GET /v1/parked-events/indicators": OPERATES,
        "POST /v1/parked-events/indicators/{parked_id}/replay": OPERATES,
    },
}
