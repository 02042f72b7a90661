"""Reading a signed token before its signature is checked: strictly, for two readers must agree.

Where ``json`` and PyJWT are lenient, one token could mean two things: a member twice, text in
another encoding, padded base64url, ``NaN``. Such a token is no token (RFC 7515 4 and 5.2, RFC 7519
4, RFC 8725 3.7). Canonical base64url and the signature are PyJWT's part.
"""

import base64
import json
import re
from typing import Any, NoReturn

COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, which nothing vouches for yet. Raise ``ValueError``."""
    parts = COMPACT.fullmatch(token)
    if parts is None:
        raise ValueError("not the compact form")
    return _object(parts[1]), _object(parts[2])


def _object(part: str) -> dict[str, Any]:
    text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what is wrong is the token
    return value


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
