"""Indonesian first: English is spoken when ``BETANG_LANG``, else ``LANG``, begins with ``en``."""

import os


def t(indonesian: str, english: str) -> str:
    """Return the text in the operator's language."""
    chosen = os.environ.get("BETANG_LANG") or os.environ.get("LANG") or ""
    return english if chosen.lower().startswith("en") else indonesian
