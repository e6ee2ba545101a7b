"""The published JSON Schema against the reader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.unit.workflows.policy import test_limit_rules, test_options, test_predicates, test_subjects, test_validating
from tests.unit.workflows.policy.documents import document, only
from tests.unit.workflows.policy.generating import Written, documents
from tests.unit.workflows.policy.generating import objects as holders
from workflows.calls import JSON
from workflows.policy import approvals, limit_rules, load, options, predicates, validating
from workflows.policy.schema import schema, text
from workflows.policy.shapes import Joined

TOP = Path(__file__).parents[4]
CHECK = Draft202012Validator(schema())

UNSEEN = {
    "a number with .0 is a whole number": ['"max": 5.0', '"value": 9.0'],
    "counters are named by three of their keys together": ['"scope": "grant"}, {"counter": "c"'],
    "whether a pattern is RE2, and what it finds": ['"(?=a)"', r'"(a)\\1"', '"[0-9]*"', '"^|x"'],
    "which time zones there are": [
        f'"time_zone": "{name}"'
        for name in ("europe/berlin", "Europe/Berln", "UTC+1", "Europe", "localtime", "posix/Europe/Berlin", "right/UTC")
    ]
    + ["x" * 5_000],
    "which days there are": ["2026-02-30"],
}
"""Why a schema cannot see some slips of the tables, and by which piece of the document each of them is known."""
PIECES = [piece for pieces in UNSEEN.values() for piece in pieces]


def slips() -> list[JSON]:
    """Give every document of the tables of slips."""
    found: list[JSON] = [written for written, _, _ in test_validating.SLIPS]
    found += [document(**changes) for changes, _, _ in test_options.SLIPS]
    found += [document(tools={"pay": {"limits": [{**test_limit_rules.LIMIT, **changes}]}}) for changes, _, _ in test_limit_rules.SLIPS]
    found += [document(tools={"pay": {"deny_if": [only(path, op, value)]}}) for path, op, value, _ in test_subjects.SLIPS]
    return found + [test_predicates.denying(written) for written, _, _ in test_predicates.SLIPS]


def test_it_is_a_schema() -> None:
    """Its own schema says so."""
    Draft202012Validator.check_schema(schema())


def test_what_is_published_is_what_the_code_says() -> None:
    """After a change of the language: `python -m workflows.policy.schema > docs/policy.schema.json`."""
    assert (TOP / "docs" / "policy.schema.json").read_text(encoding="utf-8") == text()


def test_it_is_printed_by_its_module() -> None:
    """As the sentence above says."""
    printed = subprocess.run([sys.executable, "-m", "workflows.policy.schema"], cwd=TOP, capture_output=True, check=True)
    assert printed.stdout.decode() == text()
    assert printed.stderr == b""


@settings(deadline=None)
@given(documents())
def test_every_valid_document_is_valid_to_the_schema(drawn: Written) -> None:
    """An editor never marks what loads."""
    load(json.dumps(drawn), name="p")
    assert [error.message for error in CHECK.iter_errors(drawn)] == []


def test_the_documents_of_the_tests_are_valid_to_the_schema() -> None:
    """Samples, the full document, and conditions on everything."""
    samples = [json.loads((TOP / "tests" / "data" / "policies" / name).read_text()) for name in ("payments.json", "policylayer.json")]
    for written in [*samples, test_validating.FULL, schema()["examples"][0]]:
        load(json.dumps(written), name="p")
        assert CHECK.is_valid(written)


@pytest.mark.parametrize("written", slips())
def test_every_slip_that_a_schema_can_see_is_seen(written: JSON) -> None:
    """What the reader refuses is marked in an editor too, but for what is listed above."""
    assert CHECK.is_valid(written) is any(piece in json.dumps(written) for piece in PIECES)


def test_what_no_schema_can_see_is_in_the_tables() -> None:
    """The list of exceptions does not outlive them."""
    every = [json.dumps(written) for written in slips()]
    assert [piece for piece in PIECES if not any(piece in written for written in every)] == []


def objects(found: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # any part of a schema
    """Give every object of the language: what has keys and lets no other in."""
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    here = [found] if isinstance(found, dict) and found.get("additionalProperties") is False else []
    return here + [each for part in inside for each in objects(part)]


def test_the_schema_knows_the_keys_of_the_reader_and_no_other() -> None:
    """Every object of the language is there, with exactly its keys, and each key says what it means."""
    known = [
        validating.DOCUMENT,
        validating.ENTRY,
        validating.ALL_TOOLS,
        validating.PREDICATE,
        approvals.KEYS,
        approvals.KEYS | {"conditions"},
        limit_rules.KEYS,
        options.REDACT,
        predicates.KEYS,
        *({joined.value} for joined in Joined),
    ]
    found = objects(schema())
    assert sorted(sorted(each["properties"]) for each in found) == sorted(map(sorted, known))
    assert [key for each in found for key, said in each["properties"].items() if not said.get("description")] == []


def test_no_object_of_the_schema_lets_another_key_in() -> None:
    """Whatever has properties says that there are no others; the names of tools are the only keys that are free."""
    described = [each for each in _all(schema()) if each.get("type") == "object"]
    assert [each for each in described if each.get("additionalProperties") is not False] == [schema()["properties"]["tools"]]


def _all(found: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # any part of a schema
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return ([found] if isinstance(found, dict) else []) + [each for part in inside for each in _all(part)]


def test_every_reference_leads_somewhere() -> None:
    """And nothing is defined that is not used."""
    used = {each["$ref"].removeprefix("#/$defs/") for each in _all(schema()) if "$ref" in each}
    assert used == schema()["$defs"].keys()


@settings(deadline=None)
@given(documents(), st.data())
def test_an_unknown_key_is_never_valid(drawn: Written, data: st.DataObject) -> None:
    """A misspelt key is marked wherever it stands."""
    holder, _ = data.draw(st.sampled_from(holders(drawn)))
    key = data.draw(st.text("abcdefgh_", min_size=3, max_size=8))
    holder[key] = data.draw(st.sampled_from([None, [], {}, "x"]))
    assert not CHECK.is_valid(drawn)
