"""Why somebody looks at identity data: a sentence, kept for ever, so it holds no numbers."""

import re

PURPOSE_CHARS_MIN = 10
PURPOSE_CHARS_MAX = 500
_LONG_NUMBER = re.compile(r"\d{12,}")


def clean_purpose(text: str) -> str:
    """Return the purpose on one line with identity numbers starred out."""
    return _LONG_NUMBER.sub("*", " ".join(text.split()))
