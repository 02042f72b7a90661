"""What is wrong with a field, in Indonesian and English, by pydantic's error type.

pydantic's own sentences are English and a few quote the input, which may be personal data. Only
limits that stand in our own models (``ge``, ``max_length``, ...) are put into these sentences.
"""

from collections.abc import Mapping
from typing import Any

SAFE_CONTEXT = (
    "ge",
    "gt",
    "le",
    "lt",
    "min_length",
    "max_length",
    "multiple_of",
    "expected",
    "max_digits",
    "decimal_places",
)

MESSAGES: dict[str, tuple[str, str]] = {
    "missing": ("Wajib diisi", "This field is required"),
    "missing_argument": ("Wajib diisi", "This field is required"),
    "extra_forbidden": ("Isian ini tidak dikenal", "This field is not known"),
    "string_type": ("Harus berupa teks", "Must be text"),
    "string_too_short": (
        "Paling sedikit {min_length} karakter",
        "Must have at least {min_length} characters",
    ),
    "string_too_long": (
        "Paling banyak {max_length} karakter",
        "Must have at most {max_length} characters",
    ),
    "string_pattern_mismatch": ("Bentuk penulisan keliru", "Is not written in the right form"),
    "int_type": ("Harus berupa bilangan bulat", "Must be a whole number"),
    "int_parsing": ("Harus berupa bilangan bulat", "Must be a whole number"),
    "int_from_float": ("Harus berupa bilangan bulat", "Must be a whole number"),
    "int_parsing_size": ("Bilangan terlalu besar", "The number is too large"),
    "float_type": ("Harus berupa bilangan", "Must be a number"),
    "float_parsing": ("Harus berupa bilangan", "Must be a number"),
    "finite_number": ("Harus berupa bilangan terhingga", "Must be a finite number"),
    "decimal_type": ("Harus berupa bilangan desimal", "Must be a decimal number"),
    "decimal_parsing": ("Harus berupa bilangan desimal", "Must be a decimal number"),
    "decimal_max_digits": (
        "Paling banyak {max_digits} angka",
        "Must have at most {max_digits} digits",
    ),
    "decimal_max_places": (
        "Paling banyak {decimal_places} angka di belakang koma",
        "Must have at most {decimal_places} decimal places",
    ),
    "bool_type": ("Harus true atau false", "Must be true or false"),
    "bool_parsing": ("Harus true atau false", "Must be true or false"),
    "greater_than": ("Harus lebih dari {gt}", "Must be greater than {gt}"),
    "greater_than_equal": ("Paling sedikit {ge}", "Must be at least {ge}"),
    "less_than": ("Harus kurang dari {lt}", "Must be less than {lt}"),
    "less_than_equal": ("Paling banyak {le}", "Must be at most {le}"),
    "multiple_of": ("Harus kelipatan {multiple_of}", "Must be a multiple of {multiple_of}"),
    "enum": ("Harus salah satu dari {expected}", "Must be one of {expected}"),
    "literal_error": ("Harus salah satu dari {expected}", "Must be one of {expected}"),
    "list_type": ("Harus berupa daftar", "Must be a list"),
    "set_type": ("Harus berupa daftar", "Must be a list"),
    "tuple_type": ("Harus berupa daftar", "Must be a list"),
    "too_short": ("Paling sedikit {min_length} isian", "Must have at least {min_length} items"),
    "too_long": ("Paling banyak {max_length} isian", "Must have at most {max_length} items"),
    "dict_type": ("Harus berupa objek", "Must be an object"),
    "model_type": ("Harus berupa objek", "Must be an object"),
    "model_attributes_type": ("Harus berupa objek", "Must be an object"),
    "date_type": ("Harus berupa tanggal (TTTT-BB-HH)", "Must be a date (YYYY-MM-DD)"),
    "date_parsing": ("Harus berupa tanggal (TTTT-BB-HH)", "Must be a date (YYYY-MM-DD)"),
    "date_from_datetime_parsing": (
        "Harus berupa tanggal (TTTT-BB-HH)",
        "Must be a date (YYYY-MM-DD)",
    ),
    "date_from_datetime_inexact": (
        "Harus berupa tanggal tanpa jam",
        "Must be a date without a time",
    ),
    "date_past": ("Harus sebelum hari ini", "Must be in the past"),
    "date_future": ("Harus setelah hari ini", "Must be in the future"),
    "datetime_type": ("Harus berupa waktu RFC 3339", "Must be an RFC 3339 date and time"),
    "datetime_parsing": ("Harus berupa waktu RFC 3339", "Must be an RFC 3339 date and time"),
    "datetime_from_date_parsing": (
        "Harus berupa waktu RFC 3339",
        "Must be an RFC 3339 date and time",
    ),
    "timezone_aware": ("Waktu harus memakai zona", "The time must have an offset"),
    "uuid_type": ("Harus berupa UUID", "Must be a UUID"),
    "uuid_parsing": ("Harus berupa UUID", "Must be a UUID"),
    "uuid_version": ("Harus berupa UUID", "Must be a UUID"),
    "url_type": ("Harus berupa alamat URL", "Must be a URL"),
    "url_parsing": ("Harus berupa alamat URL", "Must be a URL"),
    "union_tag_invalid": ("Jenis isian tidak dikenal", "The kind is not known"),
    "union_tag_not_found": ("Jenis isian wajib disebut", "The kind must be given"),
    "json_invalid": ("Isi permintaan bukan JSON yang sah", "The body is not valid JSON"),
    "json_type": ("Harus berupa JSON", "Must be JSON"),
    "bytes_type": ("Harus berupa teks", "Must be text"),
    "recursion_loop": ("Isian berputar pada dirinya", "The value contains itself"),
}

OTHER = ("Nilai tidak sah", "The value is not valid")


class InvalidValue(ValueError):
    """A validator's refusal with its own code and sentences; they must not quote the value."""

    def __init__(self, code: str, message_id: str, message_en: str) -> None:
        super().__init__(code)
        self.code = code
        self.message_id = message_id
        self.message_en = message_en


def explain(fault: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return (code, Indonesian, English) of one pydantic error."""
    context = fault.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, InvalidValue):
        return cause.code, cause.message_id, cause.message_en
    code = str(fault["type"])
    indonesian, english = MESSAGES.get(code, OTHER)
    values = {name: context[name] for name in SAFE_CONTEXT if name in context}
    try:
        indonesian, english = indonesian.format(**values), english.format(**values)
    except KeyError:
        indonesian, english = OTHER
    if "expected" in values:
        # pydantic joins the choices with the English word.
        indonesian = indonesian.replace(" or ", " atau ")
    return code, indonesian, english
