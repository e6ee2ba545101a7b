"""What a verb does depends on what it is done to."""

import pytest

from workflows.catalogue import Category
from workflows.catalogue.meaning import moves_money, weigh
from workflows.catalogue.verbs import verb

R, W, E, D, F, N = Category.READ, Category.WRITE, Category.EXECUTE, Category.DESTRUCTIVE, Category.FINANCIAL, Category.OTHER


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("send email", W),
        ("send money", F),
        ("send payment reminder", W),
        ("send transaction", F),
        ("send prompt", E),
        ("create issue", W),
        ("create payment", F),
        ("create payment link", F),
        ("create invoice", F),
        ("create invoice template", W),
        ("create order", F),
        ("create work order", W),
        ("create subscription", F),
        ("create webhook subscription", W),
        ("begin database transaction", E),
        ("create balance account", F),
        ("place order", F),
        ("modify order", F),
        ("transfer funds", F),
        ("transfer issue", W),
        ("transfer token ownership", W),
        ("remove user", D),
        ("remove background", E),
        ("remove liquidity", F),
        ("clear history", D),
        ("clear filter", W),
        ("drop index", D),
        ("close issue", W),
        ("close position", F),
        ("close browser", E),
        ("open position", F),
        ("approve request", W),
        ("approve token", F),
        ("claim rewards", F),
        ("claim ticket", W),
        ("book flight", F),
        ("book meeting", W),
        ("apply label", W),
        ("apply terraform plan", E),
        ("generate image", E),
        ("generate uuid", N),
        ("add numbers", N),
        ("add row", W),
        ("register user", W),
        ("register domain", F),
        ("resolve name", R),
        ("resolve incident", W),
        ("reset password", W),
        ("reset database", D),
        ("perform search", R),
        ("perform deletion", D),
        ("perform deployment", E),
        ("convert currency", R),
        ("convert image", E),
        ("charge card", F),
        ("charge vehicle", E),
        # what only ties things together is put back by one more call
        ("remove label", W),
        ("remove member", D),
        ("remove tracks from playlist", W),
        ("remove playlist", D),
        ("delete notification subscription", W),
        ("delete subscription", D),
        ("reset counter", W),
        # money that is held, owed or tied to a plan
        ("increment authorization", F),
        ("increment counter", W),
        ("accept dispute", F),
        ("create qr code payments", F),
        ("create qr code", W),
        ("close account", D),
        ("close ticket", W),
        ("accept invitation", W),
        ("update subscription", F),
        ("update webhook subscription", W),
        ("associate billing account", F),
        ("send mana", F),
        ("move assets margin wallet", F),
        ("move assets folder", W),
        ("register ens name", F),
        ("write contract", F),
        ("write contract file", W),
        # worked out from the arguments alone
        ("decode url", N),
        ("convert coordinates", N),
        ("calculate expression", N),
        ("evaluate expression", E),
        ("encrypt message", N),
        ("encrypt file", E),
        ("generate bitcoin key pair", N),
        ("generate number", R),
        ("format result", N),
        # opened for its own later calls
        ("connect database", N),
        ("connect accounts", W),
        ("attach process", E),
        ("attach policy", W),
        ("initialize container", E),
        ("initialize project", W),
        ("request quote", R),
        ("request access", W),
        ("start search", R),
        ("export report", R),
        ("export report to file", W),
    ],
)
def test_the_object_changes_what_a_verb_means(phrase: str, expected: Category) -> None:
    """Money, media and screens are other things than records."""
    base, *objects = phrase.split()
    found = verb(base)
    assert found is not None
    assert weigh(found, objects, objects) is expected


def test_money_is_moved_by_the_head_of_the_phrase() -> None:
    """A refund reason is no refund."""
    assert moves_money(["refund"], ())
    assert moves_money(["payment", "link"], ())
    assert not moves_money(["refund", "reason"], ())
    assert not moves_money(["email"], ())
