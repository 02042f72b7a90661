"""Domain errors over HTTP: one table, code to status and sentences in both languages."""

from services.distribution.domain import errors
from services.shared.problems import FieldError, Problem, ProblemType


def _refusal(
    error: type[errors.DomainError], status: int, indonesian: str, english: str, *detail: str
) -> tuple[type[Exception], ProblemType]:
    return error, ProblemType(error.code, status, indonesian, english, *detail)


CATALOGUE: dict[type[Exception], ProblemType] = dict(
    (
        _refusal(errors.DomainError, 409, "Tidak dapat dilakukan", "This cannot be done"),
        _refusal(errors.NotFound, 404, "Data tidak ditemukan", "There is no such record"),
        _refusal(
            errors.NotYourProgram,
            403,
            "Program ini milik perangkat daerah lain",
            "The program belongs to another agency",
        ),
        _refusal(
            errors.ProgramNotRunning,
            409,
            "Program belum berjalan atau sudah ditutup",
            "The program is not running",
            "Status program: {status}.",
            "The program's status is {status}.",
        ),
        _refusal(
            errors.YearNotPlanned,
            409,
            "Program tidak memiliki tahun anggaran itu",
            "The program has no such budget year",
            "Tahun {year} tidak ada; yang ada: {years}.",
            "Year {year} is not there; there are: {years}.",
        ),
        _refusal(
            errors.DatesReversed,
            422,
            "Tanggal tutup mendahului tanggal buka",
            "The cycle closes before it opens",
            "Buka {opens_on}, tutup {closes_on}.",
            "Opens {opens_on}, closes {closes_on}.",
        ),
        _refusal(errors.CycleClosed, 409, "Tahap sudah ditutup", "The cycle is closed"),
        _refusal(
            errors.CycleInUse,
            409,
            "Jumlah dan nilai sudah dipakai penerima",
            "Recipients already have this quantity and value",
            "Sudah ada {entitlements} jatah.",
            "There are {entitlements} entitlements.",
        ),
        _refusal(
            errors.UnitValueUnknown,
            409,
            "Nilai satuan belum diketahui; isi pada tahap",
            "The unit value is unknown; give it with the cycle",
        ),
        _refusal(
            errors.CeilingExceeded,
            409,
            "Pagu tidak mencukupi",
            "The ceiling does not suffice",
            "Sisa pagu Rp{available_idr}, dibutuhkan Rp{needed_idr}.",
            "IDR {available_idr} is left, IDR {needed_idr} is needed.",
        ),
        _refusal(
            errors.SessionClosed, 409, "Sesi penyerahan sudah ditutup", "The session is closed"
        ),
        _refusal(
            errors.SessionOfAnotherCycle,
            409,
            "Jatah ini milik tahap lain",
            "The entitlement belongs to another cycle",
        ),
        _refusal(
            errors.EntitlementVoid, 409, "Jatah sudah dibatalkan", "The entitlement was voided"
        ),
        _refusal(
            errors.EntitlementBlocked,
            409,
            "Penyerahan ditahan",
            "Handing over is blocked",
            "Alasan: {reasons}.",
            "Reasons: {reasons}.",
        ),
        _refusal(
            errors.OverDelivery,
            409,
            "Melebihi sisa jatah",
            "More than what is left",
            "Sisa jatah {remaining}, diminta {asked}.",
            "{remaining} is left, {asked} was asked for.",
        ),
        _refusal(
            errors.NothingToVoid,
            409,
            "Tidak ada sisa yang dapat dibatalkan",
            "There is nothing left to void",
        ),
        _refusal(
            errors.OverReturn,
            409,
            "Melebihi yang pernah diserahkan",
            "More than what was handed over",
            "Dapat dikembalikan {returnable}, diminta {asked}.",
            "{returnable} can come back, {asked} was asked for.",
        ),
        _refusal(
            errors.DeliveredBeforeCycle,
            422,
            "Tanggal penyerahan mendahului pembukaan tahap",
            "The handover lies before the cycle opened",
            "Tahap dibuka {opens_on}.",
            "The cycle opened on {opens_on}.",
        ),
        _refusal(
            errors.DateInFuture,
            422,
            "Tanggal belum tiba",
            "The day has not come yet",
            "Tanggal {day}.",
            "The day is {day}.",
        ),
        _refusal(
            errors.ReceiverIncomplete,
            422,
            "Nama dan hubungan wakil wajib diisi",
            "A representative needs a name and a relation",
        ),
        _refusal(
            errors.ProofRequired,
            422,
            "Barang memerlukan foto penyerahan",
            "Goods need a photo of the handover",
        ),
        _refusal(
            errors.ProofMissing,
            422,
            "Berkas bukti tidak ada, belum lengkap, atau berbeda",
            "The proof is missing, incomplete or another file",
        ),
        _refusal(errors.NameTaken, 409, "Nama tahap sudah dipakai", "The name is taken"),
        _refusal(errors.IdTaken, 409, "Nomor ini sudah dipakai", "This id is taken"),
        _refusal(
            errors.BatchRefused,
            422,
            "Ada baris yang ditolak; tidak ada yang disimpan",
            "Some rows were refused; none was saved",
        ),
        _refusal(
            errors.OrderNumberTaken,
            409,
            "Nomor SP2D sudah tercatat",
            "The disbursement order is recorded already",
            "Nomor {number}.",
            "Number {number}.",
        ),
    )
)


class _Words(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def batch_problem(refused: errors.BatchRefused) -> Problem:
    """Return the problem that lists every refused row, its code and what is wrong with it."""
    found = []
    rows = refused.params["rows"]
    if not isinstance(rows, list):
        raise TypeError("rows")
    for place, error in rows:
        kind = CATALOGUE[type(error)]
        words = _Words(error.params)
        found.append(
            FieldError(
                f"#/rows/{place}",
                kind.code,
                f"{kind.title_id}. {kind.detail_id.format_map(words)}".rstrip(),
                f"{kind.title_en}. {kind.detail_en.format_map(words)}".rstrip(),
            )
        )
    return Problem(CATALOGUE[errors.BatchRefused], errors=found)
