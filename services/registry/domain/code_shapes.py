"""The shape of the label tables behind ``code_lists``."""

Codes = tuple[tuple[int, str, str], ...]
"""Code, Indonesian label, English label."""

Variables = dict[str, tuple[str, str, Codes]]
"""Variable -> Indonesian title, English title, codes."""
