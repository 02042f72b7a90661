"""How names are compared: by tokens, forgiving titles and the spellings of Muhammad.

``name_key`` makes the stored search key; ``same_name`` decides whether two spellings may be one
person. Nothing here decides that two persons *are* one: that takes a birth date as well.
"""

import re
import unicodedata

# Sets of words read best as text.
_TITLES = frozenset(
    """
    h hj haji hajah dr drs dra ir prof ust ustadz kh gus rr r a amd sp spd se sh st ssos skm skep
    sag mpd mm mh msi spdi stp skom amkeb sst alm almh bin binti
    """.split()  # noqa: SIM905 - as above
)
_MUHAMMAD = frozenset("m md moh mohd muh muhd mohamad mohammad muhamad muhammad".split())  # noqa: SIM905 - as above
_DEGREE_DOTS = re.compile(r"\b([A-Za-z])\.\s?(?=[A-Za-z]{1,3}\b)")
_NOT_LETTERS = re.compile(r"[^a-z0-9 ]+")


def name_key(name: str) -> str:
    """Return the comparable form: lower case, no accents, titles and degrees, one blank."""
    folded = unicodedata.normalize("NFKD", _DEGREE_DOTS.sub(r"\1", name))
    plain = folded.encode("ascii", "ignore").decode().lower()
    tokens = _NOT_LETTERS.sub(" ", plain.replace("'", "")).split()
    kept = [token for token in tokens if token not in _TITLES] or tokens
    return " ".join("muhammad" if token in _MUHAMMAD else token for token in kept)


def same_name(one: str, other: str) -> bool:
    """Tell whether two names may be spellings of one: equal keys, in any order of words."""
    return sorted(name_key(one).split()) == sorted(name_key(other).split())
