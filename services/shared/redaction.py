"""Taking personal data out of what is logged: long numbers, known keys, quoted values in errors."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[disembunyikan]"

PERSONAL_KEYS = frozenset(
    {
        "nik", "nomor_nik", "no_nik", "kk", "no_kk", "nomor_kk", "kk_number", "name", "nama",
        "full_name", "nama_lengkap", "mother_name", "father_name", "nama_ibu", "nama_ayah",
        "birth_date", "tanggal_lahir", "birth_place", "tempat_lahir", "address", "alamat",
        "phone", "no_hp", "telepon", "email", "account_number", "no_rekening", "authorization",
        "token", "access_token", "cookie", "password", "secret", "body", "payload", "data",
        "headers", "latitude", "longitude",
    }
)  # fmt: skip

OWN_KEYS = frozenset({"trace_id", "span_id", "timestamp", "request_id"})
"""Written by ourselves: a trace id may hold 16 decimal digits by chance. A request id of a
caller's is scrubbed when it is taken."""

# NIK, KK number, bank account: sixteen digits or more, also when written in groups of four.
# The guards around groups keep UUIDs, whose middle may look the same.
LONG_NUMBER = re.compile(r"\d{16,}|(?<![0-9A-Za-z-])\d{4}([ .-]\d{4}){3}(?![0-9A-Za-z-])")
QUOTED = (
    # SQLAlchemy quotes the parameters, PostgreSQL the row, pydantic the input.
    (re.compile(r"\[parameters: .*?\]\s*(?=\n|$)", re.DOTALL), "[parameters: …]"),
    (re.compile(r"(DETAIL|CONTEXT):.*"), r"\1: …"),
    (re.compile(r"input_value=.*?(?=, input_type=|\n|$)"), "input_value=…"),
)
DEPTH_MAX = 6


def scrub_text(text: str) -> str:
    """Return ``text`` without long numbers and without the values that libraries quote."""
    for pattern, replacement in QUOTED:
        text = pattern.sub(replacement, text)
    return LONG_NUMBER.sub(HIDDEN, text)


def scrub(value: Any, depth: int = 0) -> Any:
    """Return ``value`` fit for a log: containers are copied, unknown objects become text."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if scrub_text(str(value)) == str(value) else HIDDEN
    if isinstance(value, bytes | bytearray | memoryview) or depth >= DEPTH_MAX:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {
            scrub_text(str(key)): _scrub_item(str(key), item, depth) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item, depth + 1) for item in value]
    return scrub_text(str(value))


def _scrub_item(key: str, item: Any, depth: int) -> Any:
    return HIDDEN if key.lower() in PERSONAL_KEYS else scrub(item, depth + 1)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Scrub a log entry; a structlog processor, the last before the entry is written."""
    return {
        key: value if key in OWN_KEYS else _scrub_item(key, value, 0)
        for key, value in event.items()
    }
