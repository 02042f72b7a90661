"""Conditional requests (RFC 9110 section 13, RFC 6585): ETag, If-Match, If-None-Match."""

from starlette.requests import Request
from starlette.responses import Response

from services.shared.problems import Problem, ProblemType

PRECONDITION_REQUIRED = ProblemType(
    "precondition_required",
    428,
    "Tajuk If-Match wajib diisi",
    "The header If-Match is required",
    "Ambil data terbaru, lalu kirim ETag-nya di If-Match.",
    "Read the present state and send its ETag in If-Match.",
)
PRECONDITION_FAILED = ProblemType(
    "precondition_failed",
    412,
    "Data sudah diubah oleh orang lain",
    "The resource was changed by someone else",
    "Versi sekarang adalah {version}.",
    "The present version is {version}.",
)


def etag(version: int | str) -> str:
    """Return the strong ETag of a version."""
    return f'"{version}"'


def require_match(if_match: str | None, version: int | str) -> None:
    """Raise 428 when If-Match is absent and 412 when it names another version."""
    if if_match is None:
        raise Problem(PRECONDITION_REQUIRED)
    if if_match.strip() != "*" and etag(version) not in _tags(if_match):
        raise Problem(PRECONDITION_FAILED, params={"version": version})


def not_modified(request: Request, tag: str) -> Response | None:
    """Return the 304 answer when the caller already has ``tag`` (If-None-Match), else None."""
    known = request.headers.get("if-none-match")
    if known is None or (known.strip() != "*" and tag not in _tags(known, weak=True)):
        return None
    return Response(status_code=304, headers={"ETag": tag})


def _tags(header: str, *, weak: bool = False) -> list[str]:
    tags = [tag.strip() for tag in header.split(",")]
    return [tag.removeprefix("W/") for tag in tags] if weak else tags
