"""Every refusal has a code of its own and a sentence that says what to do."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

import pytest

import workflows
from workflows.errors import AskfirstError
from workflows.policy import PolicyInvalid
from workflows.policy.expecting import ExpectationsInvalid


def _below(kind: type[AskfirstError]) -> Iterator[type[AskfirstError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def _all() -> list[type[AskfirstError]]:
    for module in pkgutil.walk_packages(workflows.__path__, "workflows."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    return sorted((kind for kind in _below(AskfirstError) if kind.__module__.startswith("workflows.")), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", _all(), ids=lambda kind: kind.__name__)
def test_the_docstring_is_a_sentence(kind: type[AskfirstError]) -> None:
    """It begins with a capital, ends with a full stop, and is what `str` gives by default, on one line."""
    sentence = " ".join((kind.__doc__ or "").split())
    assert sentence[:1].isupper()
    assert sentence.endswith(".")
    if kind not in {PolicyInvalid, ExpectationsInvalid}:  # what they say is their problems
        assert str(kind()) == sentence
        assert str(kind("Another sentence.")) == "Another sentence."


def test_no_two_refusals_share_a_code() -> None:
    """A program that reads the code knows which one it was; each kind wrote its own."""
    codes = Counter(kind.code for kind in _all())
    assert [code for code, count in codes.items() if count > 1] == []
    assert all("code" in vars(kind) for kind in _all())
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_nothing_is_kept_of_a_refused_verb_unless_it_says_so() -> None:
    """`keep` is off, on every kind, until one refusal turns it on for itself."""
    assert not any(kind.keep for kind in _all())
