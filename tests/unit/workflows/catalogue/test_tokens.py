"""Names are split in every style that they are written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.catalogue.tokens import LONGEST_NAME, MOST_WORDS, bag, phrasal, skeleton, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("d1_database_delete", "d1 database delete"),
        ("delete-many", "delete many"),
        ("policies.create", "policies create"),
        ("issues/list", "issues list"),
        ("`linear_create_label`", "linear create label"),
        ("getJiraIssue", "get jira issue"),
        ("DeleteAHORunBatch", "delete aho run batch"),
        ("binanceSpotPlaceOrder", "binance spot place order"),
        ("jira_createIssue", "jira create issue"),
        ("getPRs", "get prs"),
        ("listURLs", "list urls"),
        ("HTMLToPDF", "html to pdf"),
        ("s3PutObject", "s3 put object"),
        ("k8sApply", "k8s apply"),
        ("createAPIKeyV2", "create api key v2"),
        ("base64Encode", "base64 encode"),
        ("mcp__my-server__do_it", "do it"),
        ("getPayPalTransactions", "get paypal transactions"),
        ("listfiles", "list files"),
        ("settings", "settings"),
        ("rollBackRelease", "rollback release"),
        ("log_in_user", "login user"),
        ("删除_文件", "删除 文件"),
        ("ｄｅｌｅｔｅ_user", "delete user"),  # noqa: RUF001  # wide letters
        ("de\u200blete_user", "delete user"),
        ("", ""),
        ("___", ""),
    ],
)
def test_a_name_is_its_words(name: str, expected: str) -> None:
    """What stands between words, and what nobody sees, is no part of them."""
    assert " ".join(words(name)) == expected


@given(st.text(max_size=LONGEST_NAME * 2))
def test_any_name_has_few_lower_case_words(name: str) -> None:
    """However long it is."""
    found = words(name)
    assert len(found) <= MOST_WORDS
    assert [word for word in found if word != word.lower() or not word] == []


def test_two_words_that_are_one_verb_are_read_as_one() -> None:
    """And others stay as they are."""
    assert phrasal(["roll", "back", "the", "log"]) == ("rollback", "the", "log")
    assert phrasal([]) == ()


def test_names_that_look_the_same_have_the_same_skeleton() -> None:
    """Case, separators, accents, and letters of other scripts."""
    assert {skeleton(name) for name in ("send_email", "sendEmail", "SEND-EMAIL", "s\u0435nd_\u0435mail", "s\u00e9nd_ema1l")} == {
        "sendemaii"
    }
    assert skeleton("send_email") != skeleton("send_mail")


def test_a_table_is_words_in_any_order() -> None:
    """Over as many lines as they need."""
    assert bag("a b\n  c a") == frozenset({"a", "b", "c"})
