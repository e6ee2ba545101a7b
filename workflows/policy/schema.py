"""The JSON Schema (2020-12) of our policy language, made from what the reader knows, so that editors complete and check a policy.

`python -m workflows.policy.schema` prints it. What no schema can see is left to the reader, who has the last word: whether a pattern is
RE2, whether a time zone is on the list, how long a time may be, whether a counter is named twice, how deep conditions are nested.
"""

import json
import sys
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from workflows import patterns
from workflows.policy import approvals, conditions, limit_rules, options, predicates, subjects, validating
from workflows.policy.amounts import LARGEST
from workflows.policy.limits import Scope, Window
from workflows.policy.paths import SUBJECTS
from workflows.policy.shapes import Audited, Changed, Default, Mode, Op, ReasonRequired
from workflows.policy.situation import HINTS

Schema: TypeAlias = dict[str, Any]

_NAME_STEP: Final = r"\.(?![^.]*\[([0-9]*|\*)\](\.|$))[^.]+"
_DURATION: Final = f"^(?=.)({approvals.DURATION.pattern})$"
_EXAMPLE: Final[Schema] = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments", "expires_in": "30m"},
    "tools": {
        "list_customers": {},
        "create_refund": {
            "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100000}], "on_deny": "People make those."}],
            "require_approval": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5000}], "reason": "Refund above $50"}],
            "limits": [{"counter": "refunds", "window": "minute", "max": 30, "scope": "grant"}],
        },
    },
}


def schema() -> Schema:
    """Make the schema of a whole document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A policy of Askfirst",
        "description": "What an agent may call, and whom it has to ask first. PolicyLayer's format, version 1, is valid as it is.",
        **_object(validating.DOCUMENT_MEANS, _DOCUMENT, required=("version", "default")),
        "allOf": [_APPROVERS_FOR_THE_DEFAULT, _APPROVERS_FOR_RULES],
        "examples": [_EXAMPLE],
        "$defs": _definitions(),
    }


def text() -> str:
    """Write the schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _object(means: Mapping[str, str], kinds: Mapping[str, Schema], *, required: Collection[str] = ()) -> Schema:
    """Make an object with exactly the keys that the reader knows, each with what it means."""
    properties = {key: {"description": meaning, **kinds[key]} for key, meaning in means.items()}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _word(words: type[StrEnum], otherwise: StrEnum | None = None) -> Schema:
    default: Schema = {} if otherwise is None else {"default": otherwise.value}
    return {"type": "string", "enum": [word.value for word in words], **default}


def _definitions() -> Schema:
    return {
        "entry": _object(validating.ENTRY_MEANS, _ENTRY),
        "denial": _object(
            validating.PREDICATE_MEANS, {"conditions": _list_of("condition"), "on_deny": _ref("sentence")}, required=("conditions",)
        ),
        "question": _object(
            {"conditions": validating.CONDITIONS_MEANS, **approvals.MEANS},
            {"conditions": _list_of("condition"), **_TERMS},
            required=("conditions",),
        ),
        "terms": _object(approvals.MEANS, _TERMS),
        "limit": {
            **_object(limit_rules.MEANS, _LIMIT, required=("counter", "window", "max")),
            "if": {"required": ["increment_from"]},
            "then": {"properties": {"max": {"maximum": limit_rules.LARGEST_SUM}}},
            "examples": _EXAMPLE["tools"]["create_refund"]["limits"],
        },
        "condition": {"anyOf": [_ref("test"), *(_ref(joined) for joined in predicates.JOINED_MEANS)]},
        "test": _test(),
        **{joined: _joined(joined, meaning) for joined, meaning in predicates.JOINED_MEANS.items()},
        "sentence": {"type": "string", "maxLength": approvals.LONGEST_SENTENCE},
        "duration": {"type": "string", "pattern": _DURATION, "examples": ["30m", "1h30m", "45s", "2d"]},
        "argument": {"type": "string", "pattern": f"^args({_NAME_STEP})+$", "examples": ["args.amount", "args.customer.id"]},
    }


def _joined(joined: str, meaning: str) -> Schema:
    members: Schema = {"type": "array", "items": _ref("condition"), "minItems": 1}
    one_or_more: Schema = {"anyOf": [_ref("condition"), members]}
    return _object({joined: meaning}, {joined: one_or_more if joined == "not" else members}, required=(joined,))


def _test() -> Schema:
    """Make one condition: what it looks at, and for each operator and each path what it can be compared with."""
    known = [
        {"const": f"{subject}.{name}", "description": f"{meaning[0].upper()}{meaning[1:]}."}
        for subject, names in SUBJECTS.items()
        for name, meaning in names.items()
        if name != "annotations"
    ]
    hints = [{"const": f"tool.annotations.{hint}"} for hint in subjects.ANNOTATIONS]
    kinds: dict[str, Schema] = {
        "path": {
            "type": "string",
            "anyOf": [_ref("argument"), *known, *hints, {"pattern": r"^tool\.annotations\.[^.]+$"}],
            "examples": ["args.amount", "tool.category", "time.hour"],
        },
        "op": {**_word(Op), "description": _operators()},
        "value": {},
    }
    return {
        **_object(predicates.MEANS, kinds, required=tuple(predicates.MEANS)),
        "allOf": [*_by_operator(), *_by_path()],
        "examples": [{"path": "args.amount", "op": "gt", "value": 5000}, {"path": "tool.category", "op": "in", "value": ["Destructive"]}],
    }


def _operators() -> str:
    return f"{predicates.MEANS['op']} {'; '.join(f'{op.value}: {meaning}' for op, meaning in conditions.MEANS.items())}."


def _when(key: str, words: Collection[str], then: Schema) -> Schema:
    return {"if": {"properties": {key: {"enum": [*words]}}, "required": [key]}, "then": then}


def _value(operators: Collection[Op], value: Schema) -> Schema:
    """Say what a value is for some operators."""
    return _when("op", [op.value for op in Op if op in operators], {"properties": {"value": value}})


def _by_operator() -> list[Schema]:
    return [
        _value(subjects.ORDER, {"type": "number"}),
        _value({Op.IN, Op.NOT_IN}, {"type": "array"}),
        _value({Op.EXISTS}, {"type": "boolean"}),
        _value({Op.REGEX}, {"type": "string", "maxLength": patterns.LONGEST}),
    ]


def _by_path() -> list[Schema]:
    """Say which operators can tell what stands at a path of another subject than arguments, and from which values."""
    every = frozenset(Op)
    found = [_at(path, subjects.EQUALITY | {Op.REGEX, Op.EXISTS}, {"enum": [*words]}) for path, words in subjects.WORDS.items()]
    for path, largest in subjects.NUMBERS.items():
        whole: Schema = {"type": "integer", "minimum": 0, "maximum": largest}
        found.append(_at(path, every - {Op.REGEX, Op.CONTAINS}, whole, _value(subjects.ORDER, whole)))
    day: Schema = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"}
    found.append(_at(subjects.DATE, every - subjects.ORDER, day))
    plain: Schema = {"type": "string", "pattern": r"^[^*]*$"}
    found += [_at(path, every - subjects.ORDER, plain, _value({Op.CONTAINS}, plain)) for path in subjects.NAMES]
    found += [_at(("tool", "annotations", hint), subjects.EQUALITY, {"type": "boolean"}) for hint in HINTS]
    return found


def _at(path: tuple[str, ...], operators: Collection[Op], value: Schema, *more: Schema) -> Schema:
    """Say what a condition at a path is: its operators, and the value that one of equality takes."""
    equal = _value({Op.EQ, Op.NEQ}, value)
    among = _value({Op.IN, Op.NOT_IN}, {"items": value})
    words = [op.value for op in Op if op in operators]
    return _when("path", [".".join(path)], {"properties": {"op": {"enum": words}}, "allOf": [equal, among, *more]})


_NAME: Final[Schema] = {"type": "string", "pattern": r"^\S([\s\S]*\S)?$", "maxLength": approvals.LONGEST_NAME}
_TOOL: Final[Schema] = {"type": "string", "pattern": r"\S"}
_ENTRY: Final[Mapping[str, Schema]] = {
    "require": _list_of("denial"),
    "deny_if": _list_of("denial"),
    "require_approval": _list_of("question"),
    "limits": _list_of("limit"),
}
_TERMS: Final[Mapping[str, Schema]] = {
    "approvers": {**_NAME, "examples": ["payments"]},
    "quorum": {"type": "integer", "minimum": 1, "maximum": approvals.LARGEST_QUORUM, "default": 1},
    "expires_in": {**_ref("duration"), "default": "30m"},
    "remind_every": _ref("duration"),
    "channel": {**_NAME, "examples": ["#agent-approvals"]},
    "reason": _ref("sentence"),
    "reason_required": _word(ReasonRequired, ReasonRequired.NEVER),
}
_LIMIT: Final[Mapping[str, Schema]] = {
    "counter": {"type": "string", "pattern": r"\S", "maxLength": approvals.LONGEST_NAME, "examples": ["calls_per_minute"]},
    "window": _word(Window),
    "max": {"type": "integer", "minimum": 1, "maximum": LARGEST},
    "scope": _word(Scope, Scope.GRANT),
    "increment_from": _ref("argument"),
    "on_deny": _ref("sentence"),
}
_REDACT: Final[Mapping[str, Schema]] = {
    "paths": {
        "type": "array",
        "items": {"type": "string", "pattern": r"^args(\.(\*|[^.*]*[^.*\]]))+$", "examples": ["args.customer.email"]},
    },
    "patterns": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": patterns.LONGEST}},
}
_DOCUMENT: Final[Mapping[str, Schema]] = {
    "$schema": {"type": "string"},
    "version": {"const": "1"},
    "default": _word(Default),
    "approval": _ref("terms"),
    "mode": _word(Mode, Mode.ENFORCE),
    "changed_tools": _word(Changed, Changed.HOLD),
    "time_zone": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_+/-]*$", "default": "UTC", "examples": ["Europe/Berlin"]},
    "redact": _object(options.REDACT_MEANS, _REDACT),
    "audit": _word(Audited, Audited.KEYS),
    "hide": {"type": "array", "items": _TOOL, "uniqueItems": True, "examples": [["drop_*"]]},
    "all_tools": _object(validating.ALL_TOOLS_MEANS, {"limits": _list_of("limit")}),
    "tools": {"type": "object", "propertyNames": _TOOL, "additionalProperties": _ref("entry")},
}
_NAMED: Final[Schema] = {"required": ["approval"], "properties": {"approval": {"required": ["approvers"]}}}
_APPROVERS_FOR_THE_DEFAULT: Final = _when("default", [Default.REQUIRE_APPROVAL.value], _NAMED)
_APPROVERS_FOR_RULES: Final[Schema] = {
    "if": _NAMED,
    "else": {
        "properties": {
            "tools": {"additionalProperties": {"properties": {"require_approval": {"items": {"required": ["approvers"]}}}}},
        }
    },
}


if __name__ == "__main__":
    sys.stdout.write(text())
