"""The eleven operators. Law: what an operator cannot compare is never a quiet no.

A test answers True, False, or a sentence: "it cannot be told". A sentence counts as unmet in `require` and as met in `deny_if` and
`require_approval`, so that a value of the wrong kind never opens the gate. By the kind of the argument (a dash: it cannot be told):

| argument          | lt lte gt gte | regex    | contains | exists | equality with a number | text | boolean | list, object |
| ----------------- | ------------- | -------- | -------- | ------ | -------- | ------------ | -------- | -------------- |
| missing           | False         | False    | False    | absent | False    | False        | False    | False          |
| null              | -             | -        | -        | absent | unequal  | unequal      | unequal  | unequal        |
| number            | compared      | -        | -        | there  | compared | as written   | -        | -              |
| text of a number  | compared      | searched | searched | there  | compared | compared     | -        | -              |
| text "true/false" | -             | searched | searched | there  | -        | compared     | compared | -              |
| other text        | -             | searched | searched | there  | -        | compared     | -        | -              |
| boolean           | -             | -        | -        | there  | -        | "true/false" | compared | -              |
| list              | -             | -        | members  | there  | -        | -            | -        | with a list    |
| object            | -             | -        | -        | there  | -        | -            | -        | with an object |

* An operator that is met by a certain value (`eq`, `in`, `gt`, `regex`, …) is False for a missing argument, as in PolicyLayer v1: the
  upstream's own default then applies, and a rule that must see the argument says so with `exists` in `require`. One that is met by every
  other value (`neq`, `not_in`, and any inside a `not`) cannot tell: False there would let a call pass for leaving the argument out.
  An explicit null is not missing, because what an upstream makes of it is its own affair: only `exists` counts it as absent. A rule's
  null equals null alone.
* Whole numbers are compared exactly; a number with a fraction or an exponent is first read in double precision, as servers read it.
* Text counts as a number when it is one by JSON's grammar, and is compared exactly.
  Booleans are not numbers.
* `in` and `not_in` cannot tell when the argument equals no member and can be compared with none of them.
* `contains` finds a text in a text, or a member in a list by `eq`; it cannot tell when no member is equal and one cannot be compared, nor
  for a list of more than 10,000.
* `regex` is RE2, searched anywhere in a text: no look-around and no back-references. Where a search could take long, because of the pattern
  and the length of the text together, it cannot tell.

What a condition looks at, an argument or another subject, is found by the readers of `paths`.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from workflows.calls import JSON
from workflows.patterns import escaped, pattern, why_no_pattern
from workflows.policy.equality import decimal, equal_to, is_number, one_of
from workflows.policy.paths import MISSING, Unclear, kind
from workflows.policy.shapes import Op, Outcome, Test

MEANS: Final[Mapping[Op, str]] = {
    Op.EQ: "equal to the value",
    Op.NEQ: "not equal to it",
    Op.IN: "equal to a member of the list",
    Op.NOT_IN: "equal to none of them",
    Op.LT: "less than the number",
    Op.LTE: "at most",
    Op.GT: "more than",
    Op.GTE: "at least",
    Op.REGEX: "text in which the pattern (RE2) is found anywhere",
    Op.CONTAINS: "text with this text in it, or a list with this member",
    Op.EXISTS: "there, and not null: true or false",
}
_ORDER: Final[Mapping[Op, Callable[[Any, Any], bool]]] = {Op.LT: operator.lt, Op.LTE: operator.le, Op.GT: operator.gt, Op.GTE: operator.ge}
_WANTED: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
_MOST_MEMBERS: Final = 10_000
_LONG_TEXT: Final = 100_000
_LONGEST_SOUGHT: Final = 1_000


def why_not(op: Op, value: JSON) -> str | None:
    """Say why an operator cannot take this rule value and what to write instead, or None when it can."""
    if op in _ORDER and not is_number(value):
        return f"{op.value} compares with a number, and this is {kind(value)}: write a number without quotes."
    if op in {Op.IN, Op.NOT_IN} and not isinstance(value, list):
        return f"{op.value} takes a list, and this is {kind(value)}: write [ … ] around the values."
    if op is Op.EXISTS and not isinstance(value, bool):
        return f"exists takes true or false, and this is {kind(value)}."
    if op is Op.REGEX:
        return why_no_pattern(value) if isinstance(value, str) else f"regex takes a pattern as text, and this is {kind(value)}."
    return None


def compile_test(path: str, op: Op, value: JSON, *, negated: bool = False) -> Test:
    """Compile one condition. `path` is for its sentences; the value must have passed `why_not`.

    With `negated` it stands inside a `not`, where "not met" would come out as met: there a missing value cannot be told.
    """
    if op is Op.EXISTS:
        return _existence(wanted=value is True)
    if op in {Op.EQ, Op.NEQ, Op.IN, Op.NOT_IN}:
        return _equality(path, op, value, doubting=negated or op in {Op.NEQ, Op.NOT_IN})
    test = _compiled(path, op, value)
    return _doubting(path, op, test) if negated else test


def _why_missing(path: str, op: Op) -> str:
    return f"{path} is missing, and {op.value} cannot tell here what is meant without it: send it."


def _doubting(path: str, op: Op, test: Test) -> Test:
    why = _why_missing(path, op)
    return lambda value: why if value is MISSING else test(value)


def _compiled(path: str, op: Op, value: JSON) -> Test:
    if op in _ORDER:
        return _ordering(path, op, value)
    if op is Op.REGEX:
        return _search(path, value)
    return _containment(path, value)


def _cannot(path: str, op: Op, value: object, wanted: str) -> Outcome:
    """Answer for a value that an operator does not compare: False when it is missing, else the sentence."""
    if value is MISSING:
        return False
    if type(value) is Unclear:
        return value.why
    shown = "text that is not a number" if type(value) is str and wanted == "a number" else kind(value)
    return f"{path} is {shown}, which {op.value} cannot compare here: send {wanted}."


def _existence(*, wanted: bool) -> Test:
    def test(value: object) -> Outcome:
        if type(value) is Unclear:
            return value.why
        return (value is not MISSING and value is not None) is wanted

    return test


def _ordering(path: str, op: Op, bound: JSON) -> Test:
    compare, native, exact = _ORDER[op], type(bound), decimal(bound)

    def test(value: object) -> Outcome:
        if type(value) is native and (native is int or is_number(value)):
            return compare(value, bound)
        number = decimal(value)
        if number is None:
            return _cannot(path, op, value, "a number")
        return compare(number, exact)

    return test


def _search(path: str, text: JSON) -> Test:
    wanted = pattern(str(text))
    search = wanted.search

    def test(value: object) -> Outcome:
        if type(value) is not str:
            return _cannot(path, Op.REGEX, value, "text")
        try:
            found = search(value.encode())
        except UnicodeEncodeError:
            return f"{path} holds half of a character, which regex cannot compare here: send whole characters."
        if found is None:
            return f"{path} has more than the {wanted.longest or 0:,} bytes in which this pattern can be searched for in time: send less."
        return found

    return test


def _containment(path: str, wanted: JSON) -> Test:
    equal = equal_to(wanted)
    within = _substring(wanted) if type(wanted) is str else None

    def test(value: object) -> Outcome:
        if type(value) is str and within is not None:
            return within(value)
        if type(value) is not list:
            return _cannot(path, Op.CONTAINS, value, "text or a list" if type(wanted) is str else "a list")
        if len(value) > _MOST_MEMBERS:
            return f"{path} has more than {_MOST_MEMBERS:,} members, which contains does not look through: send fewer."
        found = [equal(member) for member in value]
        if True in found:
            return True
        return f"{path} holds a member that contains cannot compare here: send members of one kind." if None in found else False

    return test


def _substring(wanted: str) -> Callable[[str], bool]:
    """Compile the search for a text in a text; in a long one RE2 reads each byte once, where Python may go back and forth."""
    if not wanted.isprintable() or len(wanted) > _LONGEST_SOUGHT:
        return lambda text: wanted in text
    search = pattern(escaped(wanted)).search

    def within(text: str) -> bool:
        if len(text) < _LONG_TEXT:
            return wanted in text
        found = search(text.encode("utf-8", "surrogatepass"))
        return wanted in text if found is None else found

    return within


def _equality(path: str, op: Op, expected: JSON, *, doubting: bool) -> Test:
    if op in {Op.IN, Op.NOT_IN} and isinstance(expected, list):
        equal, wanted = one_of(expected), "a value of the kind that the rule lists"
    else:
        equal, wanted = equal_to(expected), _WANTED[type(expected)]
    negated = op in {Op.NEQ, Op.NOT_IN}
    missing: Outcome = _why_missing(path, op) if doubting else False

    def test(value: object) -> Outcome:
        if value is MISSING:
            return missing
        answer = None if type(value) is Unclear else equal(value)
        if answer is None:
            return _cannot(path, op, value, wanted)
        return answer is not negated

    return test
