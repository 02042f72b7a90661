"""Lists in pages: keyset order, a signed opaque cursor, never OFFSET.

A cursor holds the sort values of the last row seen and which list they belong to. It is signed,
not secret: sort by things the caller may see.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, bindparam, or_, tuple_
from sqlalchemy.sql import operators
from starlette.requests import Request

from services.shared.problems import Problem, ProblemType
from services.shared.sealing import Keyring

T = TypeVar("T")

LIMIT_MAX = 200
LIMIT_DEFAULT = 50
CURSOR_CHARS_MAX = 2000
SIGNATURE_BYTES = 16

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Jumlah baris per halaman")]
Cursor = Annotated[
    str | None,
    Query(max_length=CURSOR_CHARS_MAX, description="Nilai `next` dari halaman sebelumnya"),
]

CURSOR_INVALID = ProblemType(
    "cursor_invalid",
    400,
    "Penanda halaman tidak berlaku untuk daftar ini",
    "The page cursor is not valid for this list",
)


class Page(BaseModel, Generic[T]):
    """One page of a list. ``next`` is the cursor of the following page, null on the last."""

    data: list[T] = Field(json_schema_extra={"maxItems": LIMIT_MAX})
    next: str | None = None


class CursorSigner:
    """Signs cursors by the keyring's cursor keys; those of an old key are still read."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = keyring["cursor"]

    def sign(self, payload: bytes) -> str:
        """Return the cursor: key id, truncated HMAC and payload as URL-safe text."""
        key_id = self._keys.active
        mac = hmac.digest(self._keys.keys[key_id], payload, "sha256")[:SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(bytes((key_id,)) + mac + payload).decode().rstrip("=")

    def read(self, cursor: str) -> bytes:
        """Return the payload. Raise the ``cursor_invalid`` problem when it is not ours."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise Problem(CURSOR_INVALID) from error
        key = self._keys.keys.get(raw[0]) if raw else None
        mac, payload = raw[1 : 1 + SIGNATURE_BYTES], raw[1 + SIGNATURE_BYTES :]
        if key is None or not hmac.compare_digest(
            mac, hmac.digest(key, payload, "sha256")[:SIGNATURE_BYTES]
        ):
            raise Problem(CURSOR_INVALID)
        return payload


class Rows(Protocol):
    """What ``paginate`` needs of a transaction."""

    async def rows(self, stmt: Any) -> Sequence[Mapping[Any, Any]]: ...


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one page as plain dicts, and the cursor of the next page."""

    rows: list[dict[str, Any]]
    next: str | None

    def page(self, view: Callable[[dict[str, Any]], T]) -> Page[T]:
        """Return the page of views."""
        return Page(data=[view(row) for row in self.rows], next=self.next)


async def paginate(
    tx: Rows,
    stmt: Select[Any],
    *,
    keys: Sequence[Any],
    limit: int,
    cursor: str | None,
    signer: CursorSigner,
    list_name: str = "",
) -> Slice:
    """Read one page of ``stmt`` ordered by ``keys``.

    ``keys`` are NOT NULL columns, ``column.desc()`` for descending; together they are unique (end
    with the id). ``list_name`` separates lists that share keys: name the filters in it, so that a
    cursor of one filter is refused by another. Raises the ``cursor_invalid`` problem.
    """
    limit = max(1, min(limit, LIMIT_MAX))
    columns = [_column(key) for key in keys]
    descending = [_is_descending(key) for key in keys]
    name = f"{list_name}|{','.join(map(str, keys))}"
    if cursor is not None:
        stmt = stmt.where(_after(columns, descending, _unpack(signer.read(cursor), name, columns)))
    labels = [f"_key_{position}" for position in range(len(columns))]
    stmt = stmt.add_columns(
        *(column.label(label) for column, label in zip(columns, labels, strict=True))
    )
    found = await tx.rows(stmt.order_by(None).order_by(*keys).limit(limit + 1))
    rows = [dict(row) for row in found[:limit]]
    values = [[row.pop(label) for label in labels] for row in rows]
    more = len(found) > limit
    return Slice(rows, signer.sign(_pack(name, values[-1])) if more else None)


def link_next(request: Request, response: Response, page: Page[Any]) -> None:
    """Set ``Link: <...>; rel="next"`` (RFC 8288) when there is a next page."""
    if page.next is not None:
        target = request.url.include_query_params(cursor=page.next)
        # Relative: the caller came through the gateway and knows its own host.
        response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'


def _column(key: Any) -> ColumnElement[Any]:
    inner = key.element if isinstance(key, UnaryExpression) else key
    # A mapped attribute (Model.column) stands for its column.
    return inner.__clause_element__() if hasattr(inner, "__clause_element__") else inner


def _is_descending(key: Any) -> bool:
    return isinstance(key, UnaryExpression) and key.modifier is operators.desc_op


def _after(
    columns: Sequence[ColumnElement[Any]], descending: Sequence[bool], values: Sequence[Any]
) -> ColumnElement[bool]:
    bound = [
        bindparam(None, value, type_=column.type)
        for column, value in zip(columns, values, strict=True)
    ]
    if len(set(descending)) == 1:
        # One direction: a row comparison, which the index of the same columns answers.
        left, right = tuple_(*columns), tuple_(*bound)
        return left < right if descending[0] else left > right
    alternatives = []
    for position, column in enumerate(columns):
        equal = [columns[before] == bound[before] for before in range(position)]
        further = column < bound[position] if descending[position] else column > bound[position]
        alternatives.append(and_(*equal, further))
    return or_(*alternatives)


def _pack(name: str, values: Sequence[Any]) -> bytes:
    return json.dumps([name, [_text(value) for value in values]], separators=(",", ":")).encode()


def _text(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value


def _unpack(payload: bytes, name: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        found_name, texts = json.loads(payload)
        values = [_typed(text, column) for text, column in zip(texts, columns, strict=True)]
    except (ValueError, TypeError, ArithmeticError) as error:
        raise Problem(CURSOR_INVALID) from error
    if found_name != name:
        raise Problem(CURSOR_INVALID)
    return values


def _typed(value: Any, column: ColumnElement[Any]) -> Any:
    try:
        python_type = column.type.python_type
    except NotImplementedError:
        return value
    if python_type in (datetime, date):
        return python_type.fromisoformat(value)
    return python_type(value) if python_type in (UUID, Decimal) else value
