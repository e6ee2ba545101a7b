"""From a tool's name to its words, in every style that names are written in: snake, kebab, dots, slashes, camelCase, acronyms."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final


def bag(text: str) -> frozenset[str]:
    """Read a table of words, in any order."""
    return frozenset(text.split())


LONGEST_NAME: Final = 256
MOST_WORDS: Final = 32

_WORD: Final = re.compile(
    r"[A-Za-z][0-9]{1,2}[a-z](?![a-z])"  # k8s, i18n
    r"|[A-Z]{2,}s(?![a-z])"  # PRs, URLs
    r"|[A-Z]+(?=[A-Z][a-z])|[A-Z]+(?![a-z])[0-9]*"  # HTML, S3
    r"|[A-Z]?[a-z]+[0-9]*|[0-9]+|[^\W\d_a-zA-Z]+"
)
# Brands with a capital inside: read as one word, or PayPal would pay.
_BRAND: Final = re.compile(
    r"PayPal|GitHub|GitLab|OAuth|YouTube|LinkedIn|OpenAI|iOS|eBay|DocuSign|HubSpot|QuickBooks|WordPress|WhatsApp|TikTok|PostgreSQL|MySQL|BigQuery"
    r"|DynamoDB|MongoDB|CloudWatch|CloudFront|ClickUp|ClickHouse|SendGrid|PagerDuty|FaceTime|iMessage|iCloud|GraphQL|NoSQL|DevTools|JavaScript"
)
_MARK: Final = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_MADE_INTO: Final = re.compile(r"(?<=[a-z]{3})2(?=[a-z]{3})")  # txt2img
# Where a gateway puts its own name before the tool's: mcp__server__tool.
_PREFIX: Final = re.compile(r"^mcp__[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?__")

# Words that people write in two and tools in one, or the other way round.
_JOINED: Final = {
    "readonly": ("read", "only"),
    "dropdown": ("menu",),
    "signup": ("register",),
    "signin": ("login",),
    "logon": ("login",),
}
_PHRASAL: Final[dict[tuple[str, str], str]] = {
    (pair.partition("_")[0], pair.partition("_")[2]): verb
    for pair, verb in (
        ("roll_back", "rollback"),
        ("roll_out", "rollout"),
        ("log_in", "login"),
        ("log_out", "logout"),
        ("sign_in", "login"),
        ("sign_out", "logout"),
        ("sign_up", "register"),
        ("check_in", "checkin"),
        ("check_out", "checkout"),
        ("top_up", "topup"),
        ("shut_down", "shutdown"),
        ("tear_down", "teardown"),
        ("clean_up", "cleanup"),
        ("set_up", "setup"),
        ("back_up", "backup"),
        ("look_up", "lookup"),
        ("spin_up", "launch"),
        ("cash_out", "cashout"),
        ("pay_out", "payout"),
        ("force_push", "overwrite"),
        ("dry_run", "preview"),
        ("fine_tune", "finetune"),
        ("flush_all", "flushall"),
        ("flush_db", "flushall"),
        ("kick_off", "trigger"),
        ("who_am", "whoami"),
        ("hand_off", "handoff"),
        ("opt_out", "unsubscribe"),
        ("opt_in", "subscribe"),
        ("turn_off", "stop"),
        ("turn_on", "start"),
        ("switch_off", "stop"),
        ("switch_on", "start"),
        ("cherry_pick", "rebase"),
        ("fast_forward", "seek"),
        ("factory_reset", "wipe"),
        ("hang_up", "hangup"),
        ("clock_in", "checkin"),
        ("clock_out", "checkin"),
        ("pre_authorize", "preauthorize"),
        ("on_ramp", "onramp"),
        ("off_ramp", "offramp"),
        ("buy_back", "buyback"),
        ("double_click", "doubleclick"),
        ("right_click", "rightclick"),
        ("long_press", "longpress"),
        ("take_photo", "shoot"),
        ("take_picture", "shoot"),
        ("order_book", "orderbook"),
        ("exchange_rate", "rates"),
        ("re_run", "rerun"),
        ("re_index", "reindex"),
        ("re_generate", "regenerate"),
    )
}
# Names that are made of an address and its method: deletecustomerscustomer.
_METHOD: Final = re.compile(r"(?:delete(?!d)|get(?!ter|ting)|post(?!al|er|gr|ing|hog|man|mark|pone|process)|put|patch(?!ed|ing))(?=[a-z])")
_LONG: Final = 14
_GLUED_VERBS: Final = (
    "get",
    "list",
    "create",
    "delete",
    "update",
    "remove",
    "search",
    "send",
    "fetch",
    "add",
    "find",
    "read",
    "write",
    "execute",
    "run",
)
_BEGINS: Final = (*_GLUED_VERBS, "post", "put", "patch")
_GLUED_OBJECTS: Final = bag(
    """
    account accounts agent agents all api article articles balance block board bucket calendar card channel chat code collection column
    command comment comments contact contacts container content customer customers data database databases dataset details device
    directory doc docs document documents email emails event events file files folder folders forecast group groups history image images
    index info invoice invoices issue issues item items job jobs key keys label labels list lists log logs mail member members memory
    message messages metadata model models news node nodes note notes object order orders page pages payment payments pod pods post
    posts price prices product products profile project projects query record records repo repos repository request resource resources
    row rows schema script secret server servers service services session sessions sheet shell space sql stats status symbol table
    tables tag tags task tasks team teams template text thread threads ticket tickets time token tokens tool tools transaction
    transactions url user users value values version video wallet weather workflow
    """
)


def words(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words: `DeleteAHORunBatch` is delete, aho, run, batch."""
    return _words(name[:LONGEST_NAME])


@lru_cache(maxsize=4_096)
def _words(name: str) -> tuple[str, ...]:
    text = name if name.isascii() else unicodedata.normalize("NFKC", _MARK.sub("", name))
    text = _MADE_INTO.sub("_2_", text)
    text = _BRAND.sub(lambda brand: f"_{brand.group().lower()}_", _PREFIX.sub("", text))
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group().lower()
        found.extend(_JOINED.get(word) or _unglued(word))
        if len(found) >= MOST_WORDS:
            break
    return phrasal(found[:MOST_WORDS])


def phrasal(split: Sequence[str]) -> tuple[str, ...]:
    """Read two words that are one verb as one: roll back, log in."""
    joined: list[str] = []
    for word in split:
        if joined and (joined[-1], word) in _PHRASAL:
            joined[-1] = _PHRASAL[joined[-1], word]
        else:
            joined.append(word)
    return tuple(joined)


def _unglued(word: str) -> tuple[str, ...]:
    """Split `listfiles` where nothing marks the place: a plain verb before a plain object."""
    if not word.startswith(_BEGINS):
        return (word,)
    for verb in _GLUED_VERBS:
        if word.startswith(verb) and word[len(verb) :] in _GLUED_OBJECTS:
            return verb, word[len(verb) :]
    if len(word) >= _LONG and (method := _METHOD.match(word)):
        return method[0], word[method.end() :]
    return (word,)


# Characters of other scripts, and digits, that look like a Latin letter.
_LOOKS: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u04cf\u0261\u03b1\u03bf\u03c1\u03c4\u03c5\u03bd\u03b9\u03ba0135",
    "aeopcyxijsdqwhlgaoptuvikoise",
)


def skeleton(name: str) -> str:
    """Reduce a name to what the eye sees of it: names that look the same have the same skeleton."""
    text = unicodedata.normalize("NFKD", _MARK.sub("", name[:LONGEST_NAME])).casefold()
    text = "".join(character for character in text if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", "", text.translate(_LOOKS).replace("rn", "m").replace("l", "i"))
