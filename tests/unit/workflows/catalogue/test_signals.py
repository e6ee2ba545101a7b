"""Reasons for care are found in what a tool takes, each with the words that made it."""

import pytest

from tests.unit.workflows.catalogue.definitions import taking, tool
from workflows.calls import JSON
from workflows.catalogue import Signal, SignalKind


def _only(name: str, kind: SignalKind, **properties: JSON) -> Signal:
    return next(signal for signal in tool(name, "", {"properties": properties}).signals if signal.kind is kind)


def test_signals_are_sentences_with_their_words() -> None:
    """As the published pages write them."""
    schema = taking("command", "hostname", "path", "token", "template", *(f"p{number}" for number in range(18)))
    found = tool("run", "Runs a container.", schema).signals
    assert [(signal.sentence, signal.words) for signal in found] == [
        ("Accepts freeform code/query input (command)", ("command",)),
        ("Accepts URL/endpoint input (hostname)", ("hostname",)),
        ("Handles credentials or secrets (token)", ("token",)),
        ("Accepts file system path (path)", ("path",)),
        ("Accepts raw HTML/template content (template)", ("template",)),
        ("High parameter count (23 properties)", ("23 properties",)),
    ]


def test_what_acts_on_many_is_told() -> None:
    """By its name or by a list of ids; reading many is no reason for care."""
    assert _only("bulk_delete_by_criteria", SignalKind.BULK).words == ("bulk",)
    assert _only("delete_users", SignalKind.BULK, ids={"type": "array"}).words == ("ids",)
    assert tool("list_all_users").signals == ()
    assert tool("bulk_get_users").signals == ()
    assert tool("update_user", "", {"properties": {"labels": {"type": "array"}}}).signals == ()


@pytest.mark.parametrize(
    "name", ["page_token", "next_token", "max_tokens", "token_count", "tokens", "title", "queryset_name", "paths_count"]
)
def test_names_that_only_look_like_it_are_no_signal(name: str) -> None:
    """A page token is no secret."""
    assert tool("get_user", "Gets.", taking(name)).signals == ()


@pytest.mark.parametrize("name", ["country_code", "zip_code", "statusCode", "cron_expression"])
def test_a_code_that_is_typed_in_is_no_program(name: str) -> None:
    """A code alone is one, unless it is spoken of as a voucher or a country."""
    assert tool("get_user", "Gets.", taking(name)).signals == ()
    assert tool("get_user", "", taking(code={"description": "The gift card or voucher code"})).signals == ()
    assert [tool("get_user", "Gets.", taking(each)).has(SignalKind.CODE) for each in ("code", "source_code", "pythonCode")] == [True] * 3


def test_a_token_that_is_paid_with_is_no_secret() -> None:
    """It stands beside an amount or a chain."""
    assert not tool("get_quote", "Gets.", taking("token", "amount")).has(SignalKind.CREDENTIALS)
    assert tool("get_quote", "Gets.", taking("auth_token", "amount")).has(SignalKind.CREDENTIALS)


@pytest.mark.parametrize("name", ["password", "apiKey", "client_secret", "access_token", "privateKey", "token", "seed_phrase"])
def test_secrets_are_a_signal(name: str) -> None:
    """However they are written."""
    assert [signal.kind for signal in tool("get_user", "Gets.", taking(name)).signals] == [SignalKind.CREDENTIALS]


def test_ten_parameters_are_many() -> None:
    """Nine are not."""
    assert tool("get_user", "Gets.", taking(*"abcdefghi")).signals == ()
    assert [signal.kind for signal in tool("get_user", "Gets.", taking(*"abcdefghij")).signals] == [SignalKind.PARAMETERS]


def test_infrastructure_that_is_changed_is_a_signal() -> None:
    """Not one that is looked at."""
    assert [signal.kind for signal in tool("tf_apply").signals] == [SignalKind.INFRASTRUCTURE]
    assert tool("terraform_validate").signals == ()
    assert tool("create_meal_plan").signals == ()


def test_content_that_is_html_is_a_signal() -> None:
    """By what is said of it."""
    assert tool("update_page", "", taking(content={"description": "HTML of the page"})).has(SignalKind.HTML)
    assert not tool("update_page", "", taking(content={"description": "Plain text"})).has(SignalKind.HTML)


def test_what_can_be_chosen_from_a_list_is_no_free_form() -> None:
    """A command out of three is known beforehand."""
    assert not tool("update_page", "", taking(command={"enum": ["a", "b"]})).has(SignalKind.CODE)
