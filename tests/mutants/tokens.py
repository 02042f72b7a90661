"""Guards of tokens, keys of issuers, and page cursors."""

from tests.mutants.mutant import Mutant

AUTH = "services/shared/auth.py"
JWS = "services/shared/jws.py"
JWKS = "services/shared/jwks.py"
PAGES = "services/shared/pages.py"
VECTORS = ("tests/contract/jws/test_vectors.py::test_service_and_gateway_agree_with_the_vector",)
TEST_CACHE = (
    "tests/unit/shared/test_auth.py::"
    "test_a_known_token_is_believed_for_60_seconds_and_never_past_its_end"
)


def _token(name: str, guards: str, old: str, new: str, file: str = AUTH) -> Mutant:
    return Mutant(f"token-{name}", guards, file, old, new, VECTORS)


MUTANTS = (
    _token(
        "aud",
        "a token for somebody else is refused",
        '    "verify_nbf": False,\n',
        '    "verify_nbf": False,\n    "verify_aud": False,\n',
    ),
    _token(
        "exp",
        "a token ends",
        "    if expires_at + LEEWAY_S <= instant.timestamp():",
        "    if expires_at < 0:",
    ),
    _token(
        "iat",
        "a token does not come from the future",
        '    if _time(claims, "iat") > instant.timestamp() + LEEWAY_S:',
        '    if _time(claims, "iat") < 0:',
    ),
    _token(
        "nbf",
        "nor is it used before its time",
        '    if "nbf" in claims and _time(claims, "nbf") > instant.timestamp() + LEEWAY_S:',
        '    if "nbf" in claims and _time(claims, "nbf") < 0:',
    ),
    _token(
        "algorithms",
        "the algorithm follows from the key",
        "algorithms=[key.algorithm_name],",
        'algorithms=[key.algorithm_name, "RS512", "PS256"],',
    ),
    _token(
        "signature",
        "the signature is checked",
        "                options=CHECKED,\n",
        '                options={**CHECKED, "verify_signature": False},\n',
    ),
    _token(
        "typ",
        "an id token opens nothing",
        '    if str(header.get("typ", "")).lower() not in TOKEN_TYPES:',
        '    if str(header.get("typ", "")).lower() == "none":',
    ),
    _token(
        "crit",
        "what must be understood and is not is refused",
        '    if "crit" in header or "b64" in header:',
        '    if "crit" in header and "b64" in header:',
    ),
    _token(
        "issuer-keys",
        "a key counts for its own issuer",
        "        key_set = self._key_sets.get(issuer)\n",
        "        key_set = next(iter(self._key_sets.values()))\n",
    ),
    _token(
        "kid",
        "a token is checked by the key that it names",
        "        return next((key for key in keys if key.key_id == kid), None)",
        "        return next((key for key in keys if key.key_id == kid), keys[0])",
        JWKS,
    ),
    _token(
        "key-use",
        "a key for encryption signs nothing",
        '        entry.get("use", "sig") == "sig"\n',
        '        entry.get("use", "sig") != ""\n',
        JWKS,
    ),
    _token(
        "key-size",
        "a small RSA key signs nothing",
        "RSA_BITS_MIN = 2048",
        "RSA_BITS_MIN = 512",
        JWKS,
    ),
    _token(
        "members-twice",
        "a member stands once",
        "    if len(found) != len(members):\n",
        "    if len(found) > len(members):\n",
        JWS,
    ),
    _token(
        "compact",
        "base64url without padding, in three parts",
        'COMPACT = re.compile(r"([A-Za-z0-9_-]+)\\.([A-Za-z0-9_-]+)\\.[A-Za-z0-9_-]+")',
        'COMPACT = re.compile(r"([A-Za-z0-9_=-]+)\\.([A-Za-z0-9_=-]+)\\.[A-Za-z0-9_=-]+")',
        JWS,
    ),
    _token(
        "region",
        "a region in a token is a region's code",
        "if REGION.fullmatch(text)),",
        "if REGION.match(text)),",
    ),
    _token(
        "text",
        "a subject is a text that can be kept",
        " and value.isprintable():",
        ":",
    ),
    Mutant(
        "token-leeway",
        "clocks may differ by a minute, not by an hour",
        AUTH,
        "LEEWAY_S = 60\n",
        "LEEWAY_S = 3600\n",
        (TEST_CACHE,),
    ),
    Mutant(
        "token-cache",
        "a token is not believed past its end",
        AUTH,
        "        until = min(instant + CACHE_S, actor.expires_at.timestamp())",
        "        until = instant + CACHE_S",
        (TEST_CACHE,),
    ),
    Mutant(
        "cursor-signature",
        "a cursor that we did not give is refused",
        PAGES,
        "        if key is None or not hmac.compare_digest(\n"
        '            mac, hmac.digest(key, payload, "sha256")[:SIGNATURE_BYTES]\n        ):',
        "        if key is None or not mac:",
        ("tests/unit/shared/test_pages.py::test_a_changed_cursor_is_refused",),
    ),
    Mutant(
        "cursor-list",
        "a cursor belongs to its list and its filters",
        PAGES,
        "    if found_name != name:",
        "    if not found_name:",
        ("tests/unit/shared/test_pages.py::test_a_cursor_of_another_list_or_order_is_refused",),
    ),
)
