"""What to write instead in an Intercept document."""

import pytest

from workflows.calls import JSON
from workflows.policy.advice import unknown_key
from workflows.policy.intercept import APPROVALS, DOCUMENT, ENTRY, NOTIFY
from workflows.policy.intercept_advice import misplaced, report_unknown
from workflows.policy.intercept_rules import RULE
from workflows.policy.validating import DOCUMENT as V1_DOCUMENT
from workflows.policy.validating import ENTRY as V1_ENTRY


def told(key: str, known: frozenset[str] = RULE) -> str:
    """What is said of a key that is not known; it is said at its own place."""
    said: list[tuple[str, str]] = []
    report_unknown({key: 1}, "/here", known, lambda at, message: said.append((at, message)))
    ((at, message),) = said
    assert at == f"/here/{key}"
    return message


@pytest.mark.parametrize("known", [DOCUMENT, ENTRY, RULE, APPROVALS, NOTIFY])
def test_what_is_known_is_not_told(known: frozenset[str]) -> None:
    """Only what does not belong is reported."""
    said: list[str] = []
    report_unknown(dict.fromkeys(known, 1), "", known, lambda at, _: said.append(at))
    assert said == []


@pytest.mark.parametrize("key", sorted((V1_DOCUMENT | V1_ENTRY) - DOCUMENT))
def test_each_key_of_the_other_format_has_its_own_answer(key: str) -> None:
    """Nobody who mixes the two is left with a list of known keys."""
    for known in (DOCUMENT, ENTRY):
        assert "Known here" not in told(key, known)
        assert "did you mean" not in told(key, known)


@pytest.mark.parametrize("key", sorted(RULE))
def test_a_key_of_a_rule_beside_the_rules_is_sent_there(key: str) -> None:
    """One step too high is a common slip."""
    assert f'"rules": [{{"{key}": …}}]' in told(key, ENTRY)


@pytest.mark.parametrize(
    ("key", "word"),
    [("on_dney", 'did you mean "on_deny"'), ("colour", "Known here: action"), ("x" * 500, "x" * 64), ("spend", "not supported")],
)
def test_any_other_key_is_guessed_or_listed(key: str, word: str) -> None:
    """A guess where one is near, else what is known; a long key is cut."""
    assert word in told(key)
    assert len(told(key)) < 400


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        ({"any": []}, "any"),
        ({"not": {"path": "args.a"}}, "not"),
        ({"path": "tool.category"}, "path"),
        ({"path": "time"}, "path"),
        ({"path": "state"}, "path"),
        ({"path": "state.pay"}, "path"),
        ({"path": "state..c"}, "path"),
        ({"path": "state.pay.c"}, None),
        ({"path": "args"}, None),
        ({"path": "args.tool.category"}, None),
        ({"path": 5}, None),
        ({}, None),
        ([], None),
    ],
)
def test_what_no_condition_here_has_is_found(condition: JSON, key: str | None) -> None:
    """Joined conditions and subjects of Askfirst's own are told; all else is read as in every format."""
    found = misplaced(condition)
    assert (found[0] if found else None) == key


def test_the_other_format_knows_what_belongs_here() -> None:
    """Advice goes both ways."""
    for key in ("rules", "state", "approvals", "description"):
        assert "Intercept" in unknown_key(key, {}, V1_DOCUMENT)
