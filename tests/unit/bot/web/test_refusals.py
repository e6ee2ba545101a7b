"""Every refusal has a status of its own."""

import pytest

from bot.web.refusals import STATUS, Forged, status
from workflows import errors
from workflows.errors import AskfirstError
from workflows.lifecycle.moves import LostRace

_MET = [
    errors.AlreadySettled,
    errors.BadReason,
    errors.DatabaseUnusable,
    errors.IllegalStep,
    errors.Malformed,
    errors.NotAllowed,
    errors.NotFound,
    errors.ReasonRequired,
    errors.TokenRefused,
    LostRace,
    *(kind for kind in AskfirstError.__subclasses__() if kind.__module__ == Forged.__module__),
]


@pytest.mark.parametrize("kind", _MET, ids=lambda kind: kind.code)
def test_what_a_verb_or_the_desk_refuses_is_no_error_of_ours(kind: type[AskfirstError]) -> None:
    """It has a status for it, and a sentence."""
    assert kind.code in STATUS
    assert status(kind()) != 500
    assert str(kind()).endswith((".", ":"))


def test_a_refusal_without_a_status_is_our_fault() -> None:
    """It answers 500."""
    assert status(AskfirstError()) == 500
