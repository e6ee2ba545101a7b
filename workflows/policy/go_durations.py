"""Durations as Go writes them: numbers with units, joined. Law: what Go would not read, or what is no time at all, is None."""

import re
from datetime import timedelta
from typing import Final

LONGEST: Final = 200
"""The most characters that are looked at."""

EXAMPLES: Final = '"30m", "1h30m" or "90s"'

_NANOSECONDS: Final = {
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "\u00b5s": 1_000,  # the micro sign
    "\u03bcs": 1_000,  # the Greek letter
    "ns": 1,
}
_UNITS: Final = "|".join(sorted(_NANOSECONDS, key=len, reverse=True))
_PART: Final = re.compile(rf"([0-9]*)(?:\.([0-9]*))?({_UNITS})")
_WHOLE: Final = re.compile(rf"\+?(?:(?=\.?[0-9])[0-9]*(?:\.[0-9]*)?(?:{_UNITS}))+")
_MOST: Final = 2**63 - 1


def parse(text: str) -> timedelta | None:
    """Read a positive duration: "30m", "1h30m", "1.5h", "300ms". None for any other text, and for more than Go holds (292 years).

    What is finer than a microsecond is rounded up, so that a time that is positive stays so.
    """
    if len(text) > LONGEST or not _WHOLE.fullmatch(text):
        return None
    total = sum(_nanoseconds(*match.groups()) for match in _PART.finditer(text))
    if not 0 < total <= _MOST:
        return None
    return timedelta(microseconds=-(-total // 1_000))


def _nanoseconds(whole: str, fraction: str | None, unit: str) -> int:
    """Count one part, cut off at whole nanoseconds as Go does."""
    size, decimals = _NANOSECONDS[unit], fraction or ""
    return int(whole or "0") * size + int(decimals or "0") * size // int("1" + "0" * len(decimals))
