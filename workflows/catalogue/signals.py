"""The reasons for care that do not depend on the category: what a tool takes, and what its text hides. Each with the words that made it."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, TypeAlias

from workflows.catalogue.hidden import gathered, hidden_words, order_words, quoted
from workflows.catalogue.parameters import Parameter, Parameters
from workflows.catalogue.shapes import Category, Signal, SignalKind
from workflows.catalogue.tokens import bag

Test: TypeAlias = Callable[[Parameter], bool]
"""Whether a parameter makes a signal."""

MANY_PARAMETERS: Final = 10
_MOST_NAMED: Final = 5

_BULK: Final = bag("bulk mass batch many multiple multi everything")
_CODE: Final = bag(
    "sql query queries command commands cmd code script expression javascript js python shell bash statement cypher graphql eval jq"
)
_URL: Final = bag("url urls uri uris endpoint webhook hostname host domain href callback link baseurl ip")
_PATH: Final = bag("path paths file filename filepath directory dir folder cwd workdir")
_SECRET: Final = bag("password passwd passphrase secret secrets apikey credential credentials privatekey mnemonic pin otp cvv seedphrase")
_TOKEN: Final = ("token",)
_PAID_WITH: Final = bag("amount amounts recipient recipients chain network payments")
# A code of these is text to run; one that is spoken of with those is a number to type in.
_PROGRAMS: Final = bag("source python js javascript typescript shell sql custom program script html java lua r vba react css")
_OF_A_CODE: Final = bag("gift voucher coupon promo discount verification country currency iso airport postal zip referral otp oauth status")
_SECRET_PAIRS: Final = frozenset(
    tuple(pair.split("_"))
    for pair in bag(
        "api_key private_key access_key secret_key seed_phrase access_token auth_token api_token bearer_token refresh_token session_token"
    )
)
_INFRASTRUCTURE: Final = bag("terraform tf tofu opentofu pulumi cloudformation cdk infrastructure infra")
_HTML: Final = bag("html template markup")
_MARKERS: Final = ("html", "<div", "jinja", "handlebars")


def signals(name: Sequence[str], taken: Parameters, texts: Iterable[str], category: Category) -> tuple[Signal, ...]:
    """Give the signals of one tool, in the order of their kinds."""
    listed = gathered(texts)
    coin = _is_coin(taken)
    found = [
        _bulk(name, taken, category),
        _named(taken, SignalKind.CODE, "Accepts freeform code/query input", _is_code),
        _named(taken, SignalKind.URL, "Accepts URL/endpoint input", lambda parameter: bool(_URL & {*parameter.words[-1:]})),
        _named(
            taken,
            SignalKind.CREDENTIALS,
            "Handles credentials or secrets",
            partial(_is_secret, coin=coin),
        ),
        _named(taken, SignalKind.PATH, "Accepts file system path", lambda parameter: bool(_PATH & {*parameter.words[-1:]})),
        _named(taken, SignalKind.HTML, "Accepts raw HTML/template content", _is_html),
        _infrastructure(name, category),
        _count(taken),
        _quote(SignalKind.HIDDEN_TEXT, "The definition holds text that a reader does not see", hidden_words(listed)),
        _quote(SignalKind.INSTRUCTIONS, "The definition gives orders to the model", order_words(listed)),
    ]
    return tuple(signal for signal in found if signal is not None)


def _bulk(name: Sequence[str], taken: Parameters, category: Category) -> Signal | None:
    if category in (Category.READ, Category.OTHER):
        return None
    words = [word for word in name if word in _BULK or (word == "all" and category is not Category.EXECUTE)]
    words += [quoted(each.name) for each in taken.read if each.top and each.many and _many_targets(each)]
    return Signal(SignalKind.BULK, "Bulk/mass operation \u2014 affects multiple targets", tuple(words[:_MOST_NAMED])) if words else None


def _many_targets(parameter: Parameter) -> bool:
    """Whether a list names what is acted on: ids, not labels or fields of one thing."""
    return parameter.words[-1:] in (("ids",), ("items",), ("records",), ("rows",), ("keys",), ("targets",), ("uris",), ("emails",))


def _is_code(parameter: Parameter) -> bool:
    if parameter.choices or not _CODE & {*parameter.words[-1:]}:
        return False
    if parameter.words[-1] == "code" and len(parameter.words) > 1:
        return bool(_PROGRAMS & {*parameter.words})
    return parameter.words[0] != "cron" and not (parameter.words == ("code",) and _OF_A_CODE & {*parameter.text[:400].lower().split()})


def _is_coin(taken: Parameters) -> bool:
    """Whether a bare "token" beside these is one that is paid with."""
    return any(each.top and _PAID_WITH & {*each.words[-1:]} for each in taken.read)


def _is_secret(parameter: Parameter, *, coin: bool) -> bool:
    words = parameter.words
    return bool(_SECRET & {*words}) or (words == _TOKEN and not coin) or bool(_SECRET_PAIRS.intersection(pairwise(words)))


def _is_html(parameter: Parameter) -> bool:
    text = parameter.text[:400].lower()
    return bool(_HTML & {*parameter.words[-1:]}) or (
        parameter.words[-1:] in (("content",), ("body",)) and any(marker in text for marker in _MARKERS)
    )


def _infrastructure(name: Sequence[str], category: Category) -> Signal | None:
    words = tuple(word for word in name if word in _INFRASTRUCTURE)
    changes = category in (Category.WRITE, Category.EXECUTE) or category.grave
    return Signal(SignalKind.INFRASTRUCTURE, "Modifies live cloud infrastructure", words) if words and changes else None


def _count(taken: Parameters) -> Signal | None:
    if taken.count < MANY_PARAMETERS:
        return None
    return Signal(SignalKind.PARAMETERS, f"High parameter count ({taken.count} properties)", (f"{taken.count} properties",))


def _quote(kind: SignalKind, sentence: str, words: tuple[str, ...]) -> Signal | None:
    return Signal(kind, f'{sentence}: "{words[0]}"', words) if words else None


def _named(taken: Parameters, kind: SignalKind, sentence: str, test: Test) -> Signal | None:
    words = tuple(dict.fromkeys(quoted(parameter.name) for parameter in taken.read if test(parameter)))[:_MOST_NAMED]
    return Signal(kind, f"{sentence} ({', '.join(words)})", words) if words else None
