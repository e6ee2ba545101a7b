"""Siblings and other servers show what one tool alone does not."""

from workflows.calls import JSON
from workflows.catalogue import Classified, SignalKind, classify, classify_all


def _all(*names: str, **others: list[str]) -> dict[str, list[str]]:
    found = classify_all([{"name": name} for name in names], other_servers=others)
    return {tool.tool: _sentences(tool) for tool in found if _sentences(tool)}


def _sentences(tool: Classified) -> list[str]:
    return [signal.sentence for signal in tool.signals if signal.kind is SignalKind.SHADOWED]


def test_tools_are_classified_in_their_order_as_each_alone() -> None:
    """Without siblings that matter nothing is added."""
    definitions: list[dict[str, JSON]] = [{"name": "get_user"}, {"name": "delete_user"}, {}]
    assert classify_all(definitions) == tuple(map(classify, definitions))
    assert classify_all([]) == ()


def test_a_name_that_is_listed_twice_is_told() -> None:
    """One of the two is what is called, and nobody knows which."""
    assert _all("get_user", "get_user", "x") == {"get_user": ["The name is listed 2 times"]}


def test_names_that_look_alike_are_told() -> None:
    """By case, by separators, by letters of another script."""
    assert _all("send_email", "sendEmail") == {
        "send_email": ["The name looks like sendEmail"],
        "sendEmail": ["The name looks like send_email"],
    }
    assert len(_all("send_email", "s\u0435nd_email")) == 2


def test_names_that_are_one_letter_apart_are_told() -> None:
    """Inside a long word; a plural is no trap, and short words are other words."""
    assert _all("send_message", "send_messsage") != {}
    assert _all("send_message", "send_massage") != {}
    assert _all("send_message", "send_messgae") != {}
    assert _all("get_message", "get_messages", "set_message", "get_user1", "get_user2", "lock_door", "look_door") == {}


def test_names_of_other_servers_are_told() -> None:
    """A call that is meant for one could reach the other."""
    assert _all("search", "get_user", github=["search"]) == {"search": ["The server github has a tool of this name too"]}
    assert len(_all("search_docs", github=["s\u0435arch_docs"])) == 1
    assert _all("search_docs", github=["searchDocs"]) == {}


def test_many_names_that_are_nearly_the_same_take_bounded_work() -> None:
    """Each is compared with a few, not with all."""
    names = [f"read_{chr(97 + first)}aaaaaaa{chr(97 + last)}aa" for first in range(26) for last in range(26)]
    assert len(_all(*names)) > 100
