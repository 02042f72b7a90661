"""Errors over HTTP: RFC 9457 problem+json for every 4xx and 5xx, Indonesian or English.

A ``ProblemType`` is one entry of the catalogue, a ``Problem`` one occurrence. A service maps its
domain errors to types (``install``); the framework's own errors are mapped here. Nothing that the
caller sent is quoted, except field names. Longer than others here: a third is the catalogue.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.shared.validation_messages import explain

MEDIA_TYPE = "application/problem+json"
LONG_NUMBER = re.compile(r"\d{12,}")
FIELD_ERRORS_MAX = 100
NUMBER_MAX = 10**15
UNREADABLE = (UnicodeError, RecursionError, ValueError)
"""What reading JSON raises for bytes that are not text, nesting too deep and numbers too long."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of error. Details may name parameters: ``"Kuota tersisa {left}"``."""

    code: str
    status: int
    title_id: str
    title_en: str
    detail_id: str = ""
    detail_en: str = ""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. ``pointer`` is ``#/json/pointer`` or ``query:name``."""

    pointer: str
    code: str
    detail_id: str
    detail_en: str


class Problem(Exception):
    """Raise it anywhere below a route to answer with this problem."""

    def __init__(
        self,
        kind: ProblemType,
        *,
        params: Mapping[str, object] | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.params = dict(params or {})
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


JSON = "application/json"

BAD_REQUEST = ProblemType("bad_request", 400, "Permintaan keliru", "The request is malformed")
JSON_INVALID = ProblemType(
    "json_invalid", 400, "Isi permintaan bukan JSON yang sah", "The body is not valid JSON"
)
NOT_AUTHENTICATED = ProblemType(
    "not_authenticated", 401, "Perlu masuk terlebih dahulu", "Authentication is required"
)
FORBIDDEN = ProblemType("forbidden", 403, "Tidak berwenang", "This is not allowed")
NOT_FOUND = ProblemType("not_found", 404, "Tidak ditemukan", "Not found")
METHOD_NOT_ALLOWED = ProblemType(
    "method_not_allowed", 405, "Metode tidak tersedia", "The method is not available here"
)
CONFLICT = ProblemType(
    "conflict", 409, "Bertentangan dengan keadaan sekarang", "Conflicts with the present state"
)
TOO_LARGE = ProblemType(
    "too_large", 413, "Isi permintaan terlalu besar", "The request body is too large"
)
MEDIA_TYPE_UNSUPPORTED = ProblemType(
    "media_type_unsupported", 415, "Jenis isi tidak diterima", "The media type is not accepted"
)
VALIDATION_FAILED = ProblemType(
    "validation_failed", 422, "Ada isian yang keliru", "Some fields are not valid"
)
TOO_MANY_REQUESTS = ProblemType(
    "too_many_requests", 429, "Terlalu banyak permintaan", "Too many requests"
)
TEXT_NOT_STORABLE = ProblemType(
    "text_not_storable",
    422,
    "Teks memuat huruf yang tidak dapat disimpan",
    "A text holds a character that cannot be stored",
)
INTERNAL = ProblemType("internal_error", 500, "Terjadi kesalahan pada sistem", "Internal error")
UNAVAILABLE = ProblemType(
    "unavailable", 503, "Layanan sedang tidak tersedia", "The service is not available now"
)

FRAMEWORK_TYPES = (
    BAD_REQUEST,
    JSON_INVALID,
    NOT_AUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    CONFLICT,
    TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED,
    VALIDATION_FAILED,
    TOO_MANY_REQUESTS,
    INTERNAL,
    UNAVAILABLE,
)
BY_STATUS = {kind.status: kind for kind in FRAMEWORK_TYPES if kind is not JSON_INVALID}


def language_of(accept_language: str | None) -> str:
    """Return ``en`` when the caller prefers English to Indonesian, else ``id``."""
    quality = {"id": 0.0, "en": 0.0}
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
        weight = float(match.group(1)) if match else 1.0
        if primary in quality:
            quality[primary] = max(quality[primary], weight)
    return "en" if quality["en"] > quality["id"] else "id"


def trace_id_of(scope: Scope) -> str | None:
    """Return the trace id (32 hex digits) that the request runs under, if any."""
    stored = scope.get("betang.trace_id")
    if isinstance(stored, str):
        return stored
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def problem_response(scope: Scope, problem: Problem) -> Response:
    """Return the answer to ``problem`` in the language that the request in ``scope`` asks for."""
    kind = problem.kind
    accepted = next((v for k, v in scope.get("headers", ()) if k == b"accept-language"), b"")
    language = language_of(accepted.decode("latin-1"))
    indonesian = language == "id"
    body: dict[str, Any] = {
        "type": f"urn:betang:problem:{kind.code}",
        "title": kind.title_id if indonesian else kind.title_en,
        "status": kind.status,
        "code": kind.code,
        "instance": LONG_NUMBER.sub("*", str(scope.get("path", "")))[:500],
    }
    if detail := kind.detail_id if indonesian else kind.detail_en:
        body["detail"] = detail.format_map(_Params(problem.params))
    if numbers := _numbers(problem.params):
        body["params"] = numbers
    if problem.errors:
        body["errors"] = [
            {
                "pointer": error.pointer,
                "detail": error.detail_id if indonesian else error.detail_en,
                "code": error.code,
            }
            for error in problem.errors[:FIELD_ERRORS_MAX]
        ]
    if trace_id := trace_id_of(scope):
        body["trace_id"] = trace_id
    headers = {"Content-Language": language, "Cache-Control": "no-store", **problem.headers}
    if kind.status == NOT_AUTHENTICATED.status:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="betang"')
    return Response(orjson.dumps(body), kind.status, headers, MEDIA_TYPE)


def _numbers(params: Mapping[str, object]) -> dict[str, int]:
    """Return the numbers of ``params`` for programs to read; text may be personal, and stays out.

    So does what has as many digits as an identity number.
    """
    return {
        name: value
        for name, value in params.items()
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < NUMBER_MAX
    }


class _Params(dict[str, object]):
    """Keeps a sentence whole when a parameter was forgotten."""

    def __missing__(self, key: str) -> str:
        return "…"


def install(app: FastAPI, catalogue: Mapping[type[Exception], ProblemType] | None = None) -> None:
    """Make ``app`` answer every error as a problem.

    ``catalogue`` maps a service's error classes (their subclasses too) to types; an error's
    ``params`` attribute fills the type's detail. An error class that nobody mapped is a bug: 500.
    """
    app.state.problem_types = (*FRAMEWORK_TYPES, *(catalogue or {}).values())
    app.state.problem_catalogue = dict(catalogue or {})
    app.add_middleware(UnhandledErrors)
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_framework)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    for error_class, kind in (catalogue or {}).items():
        app.add_exception_handler(error_class, _answer_mapped(kind))


async def _answer_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    if error.kind.status == BAD_REQUEST.status and _is_of_another_route(request):
        error = _method_not_allowed(request)
    return problem_response(request.scope, error)


def _answer_mapped(kind: ProblemType) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        params = getattr(error, "params", None)
        problem = Problem(kind, params=params if isinstance(params, Mapping) else None)
        return problem_response(request.scope, problem)

    return answer


async def _answer_framework(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == METHOD_NOT_ALLOWED.status:
        return problem_response(request.scope, _method_not_allowed(request))
    kind = BY_STATUS.get(error.status_code)
    if kind is BAD_REQUEST and isinstance(error.__cause__, UNREADABLE):
        kind = _unreadable(request)
    if kind is None:
        base = BAD_REQUEST if error.status_code < INTERNAL.status else INTERNAL
        kind = ProblemType(
            f"http_{error.status_code}", error.status_code, base.title_id, base.title_en
        )
    return problem_response(request.scope, Problem(kind, headers=error.headers))


async def _answer_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = error.errors()
    if _is_of_another_route(request):
        return problem_response(request.scope, _method_not_allowed(request))
    kind = VALIDATION_FAILED
    if any(fault["type"] == "json_invalid" for fault in faults):
        kind = _unreadable(request)
    elif any(fault["loc"] == ("body",) and fault["type"] != "missing" for fault in faults) and (
        not _says_json(request)
    ):
        return problem_response(request.scope, Problem(MEDIA_TYPE_UNSUPPORTED))
    return problem_response(request.scope, Problem(kind, errors=field_errors(faults)))


def _unreadable(request: Request) -> ProblemType:
    """Return what is wrong with a body that calls itself JSON and is not."""
    body = getattr(request.scope.get("route"), "body_field", None)
    takes_json = body is None or getattr(body.field_info, "media_type", JSON) == JSON
    return JSON_INVALID if takes_json else MEDIA_TYPE_UNSUPPORTED


def _says_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == JSON or media_type.endswith("+json")


def _is_of_another_route(request: Request) -> bool:
    """Say whether /things/search, an address of its own, was taken for a thing with a wrong id."""
    return bool(request.path_params) and bool(_literal_methods(request))


def _method_not_allowed(request: Request) -> Problem:
    """Return the 405 that names every method of the address, where routing knows one only."""
    methods = _literal_methods(request) or {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    }
    return Problem(METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(methods))})


def _literal_methods(request: Request) -> set[str]:
    """Return the methods of the routes whose address is exactly this one, without parameters."""
    return {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_format == request.scope["path"]
        for method in route.methods or ()
    }


def field_errors(faults: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Translate pydantic errors whose ``loc`` starts with body, query, path, header or cookie."""
    found = []
    for fault in faults[:FIELD_ERRORS_MAX]:
        code, indonesian, english = explain(fault)
        loc = fault["loc"] if code != "json_invalid" else fault["loc"][:1]
        found.append(FieldError(_pointer(loc), code, indonesian, english))
    return found


def _pointer(loc: Sequence[int | str]) -> str:
    parts = [LONG_NUMBER.sub("*", str(part))[:100] for part in loc]
    place, inner = (parts[0], parts[1:]) if parts else ("body", [])
    if place == "body":
        escaped = (part.replace("~", "~0").replace("/", "~1") for part in inner)
        return "#" + "".join(f"/{part}" for part in escaped)
    return f"{place}:{'.'.join(inner)}"


class UnhandledErrors:
    """Turns an error that nobody expected into a logged 500 problem that says nothing of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            if started:
                # The answer is half sent: only a cut connection tells the caller the truth.
                raise
            log.exception("unhandled_error", method=scope["method"], route=_route(scope))
            await problem_response(scope, Problem(INTERNAL))(scope, receive, send)


def _route(scope: Scope) -> str:
    """Return the route's template: the path itself may hold an identifier."""
    return str(getattr(scope.get("route"), "path", "?"))
