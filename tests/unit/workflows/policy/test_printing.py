"""From a policy back to text."""

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import only, policy
from tests.unit.workflows.policy.generating import documents
from workflows.calls import JSON
from workflows.policy import load
from workflows.policy.printing import written


class Quoted(yaml.SafeDumper):
    """Writes all text in quotes: plain words that readers of YAML disagree on are refused by ours."""


Quoted.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@settings(deadline=None)
@given(documents())
def test_what_is_printed_means_what_was_read(drawn: dict[str, Any]) -> None:
    """Parse, print and parse again gives the same rules, through JSON, and through YAML."""
    first = load(json.dumps(drawn), name="p")
    again = load(written(first), name="p")
    assert again.shape == first.shape
    assert again.document == first.document
    assert written(again) == written(first)
    through_yaml = load(yaml.dump(drawn, Dumper=Quoted, sort_keys=False, allow_unicode=True), name="p")
    assert through_yaml.shape == first.shape
    assert through_yaml.document == first.document
    assert written(through_yaml) == written(first)


@settings(deadline=None)
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_keys_means_nothing_where_they_are_the_formats(drawn: dict[str, Any], random: Any) -> None:  # noqa: ANN401  # hypothesis's own
    """Keys that were written in another order are printed in the same one; names of tools stay where they are."""
    keys = [key for key in drawn if key != "tools"]
    random.shuffle(keys)
    shuffled = {key: drawn[key] for key in [*keys, *(["tools"] if "tools" in drawn else [])]}
    assert written(load(json.dumps(shuffled), name="p")) == written(load(json.dumps(drawn), name="p"))


def test_tools_and_rules_keep_their_order() -> None:
    """The first denial wins, and patterns are asked in the order of the document."""
    tools: dict[str, JSON] = {"z*": {"deny_if": [only("args.b", "eq", 1), only("args.a", "eq", 1)]}, "a*": {}}
    printed = json.loads(written(policy(tools=tools)))
    assert list(printed["tools"]) == ["z*", "a*"]
    assert [rule["conditions"][0]["path"] for rule in printed["tools"]["z*"]["deny_if"]] == ["args.b", "args.a"]


def test_text_is_printed_as_it_is() -> None:
    """People read it: no escapes where there need not be, and the end of the line at the end."""
    loaded = policy(
        tools={"pay": {"deny_if": [{"on_deny": "Überweisung: nein.", "conditions": [{"not": {"value": 1, "op": "eq", "path": "args.a"}}]}]}}
    )
    text = written(loaded)
    assert "Überweisung: nein." in text
    assert text.endswith("}\n")
    assert text.index('"conditions"') < text.index('"on_deny"')
    assert text.index('"path"') < text.index('"op"') < text.index('"value"')
    assert load(text, name="p").document == loaded.document


def test_what_stands_in_values_is_left_alone() -> None:
    """An object that a rule compares with is no part of the format."""
    value: JSON = {"op": 1, "path": 2, "any": {"b": 1, "a": 2}}
    printed = json.loads(written(policy(tools={"pay": {"deny_if": [only("args.a", "eq", value)]}})))
    assert list(printed["tools"]["pay"]["deny_if"][0]["conditions"][0]["value"]) == ["op", "path", "any"]


def test_other_formats_are_printed_as_they_are() -> None:
    """A document of Intercept stays one, with everything in it."""
    intercept = {"version": "1", "tools": {"pay": {"rules": [{"action": "deny", "on_deny": "No."}]}}, "default": "deny"}
    loaded = load(json.dumps(intercept), name="p")
    again = load(written(loaded), name="p")
    assert again.document == intercept
    assert again.shape == loaded.shape
