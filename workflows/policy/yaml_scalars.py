"""What a plain word of YAML means to Go's yaml.v3, with which Intercept reads, and whether other readers take it for something else.

A word is disputed unless it means the same in YAML 1.1, YAML 1.2, yaml.v3 and JSON. Dates and times, and numbers that are infinite or none,
have no value here: JSON has none for them.
"""

import json
import re
from dataclasses import dataclass
from math import isinf
from typing import Final

import yaml

from workflows.calls import JSON

_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_NUMBER_TAGS: Final = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_LONGEST_NUMBER: Final = 640
_LONGEST_SHOWN: Final = 40

_AGREED: Final[dict[str, JSON]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NAMED: Final[dict[str, JSON]] = {"True": True, "TRUE": True, "False": False, "FALSE": False, "Null": None, "NULL": None}
_LETTERS: Final = frozenset("yYnN")
_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(r"([+-]?)(0[xX]|0[bB]|0[oO]|0(?=.)|)([0-9a-fA-F]+)")
_BASES: Final = {"0x": 16, "0b": 2, "0o": 8, "0": 8, "": 10}
_LONGEST_DECIMAL: Final = 20
_LARGEST_EXACT: Final = 2**53
_FLOAT: Final = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\.[0-9]*_[0-9_]*(?:[eE].*)?")
_TIME: Final = (
    r"(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]*)?"
    r"(?:[ \t]*(?:Z|[+-][0-9]{1,2}(?::?[0-9]{2})?))?"
)
_DATE: Final = re.compile(rf"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}(?:{_TIME})?")


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain word: its value as yaml.v3 has it, whether readers disagree on it, and whether it has no value that JSON has."""

    value: JSON
    disputed: bool = False
    valueless: bool = False


def plain(text: str) -> Plain:
    """Read a plain word. One that has no value is given as its text."""
    if text in _AGREED:
        return Plain(_AGREED[text])
    if _NO_NUMBER.fullmatch(text) or _DATE.fullmatch(text):
        return Plain(text, disputed=True, valueless=True)
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    if tag in _NUMBER_TAGS and len(text) <= _LONGEST_NUMBER and _JSON_NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        if not (isinstance(number, float) and isinf(number)):
            return Plain(number)
    value = _in_go(text)
    disputed = tag != _TEXT_TAG or value != text or text in _LETTERS or _FLOAT.fullmatch(text) is not None
    return Plain(value, disputed)


def _in_go(text: str) -> JSON:
    if text in _NAMED:
        return _NAMED[text]
    if text[0] == ".":
        return _float(text, text)
    if text[0] not in "+-0123456789":
        return text
    digits = text.replace("_", "")
    whole = _integer(digits)
    return _float(digits, text) if whole is None else whole


def _integer(digits: str) -> int | None:
    """Read an integer of 64 bits in any of Go's bases; None for anything else."""
    found = _INTEGER.fullmatch(digits)
    if found is None:
        return None
    sign, prefix, rest = found.groups()
    base = _BASES[prefix.lower()]
    if base == _BASES[""] and len(rest) > _LONGEST_DECIMAL:
        return None
    try:
        number = int(sign + rest, base)
    except ValueError:
        return None
    return number if -(2**63) <= number < (2**63 if sign else 2**64) else None


def _float(digits: str, text: str) -> float | str:
    """Read a decimal fraction; one that is out of range is text there."""
    number = float(digits) if _FLOAT.fullmatch(digits) else None
    if number is None or isinf(number):
        return text
    return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number


def complaint(text: str) -> str:
    """Say that a word is disputed, and what to write instead."""
    return f"YAML readers disagree on what {text[:_LONGEST_SHOWN]} means: write it in quotes if it is text, else as JSON would."


def reading(text: str, value: JSON) -> str:
    """Say how a word is read in an Intercept document, and what to write so that nobody has to know."""
    shown = text[:_LONGEST_SHOWN]
    if isinstance(value, str):
        return f"{shown} is read as text, as Intercept reads it: write it in quotes."
    written = json.dumps(value)
    if "e" in written and "." not in written and isinstance(value, float):
        written = written.replace("e", ".0e")
    return f"{shown} is read as {written}, as Intercept reads it: write {written}, or {shown} in quotes if it is text."


_RESOLVER: Final = yaml.resolver.Resolver()
