"""Text that is not meant for the people who read a definition: characters nobody sees, and orders to the model.

Law: precision. "You must provide an id" is how tools are described; only what no honest description says is a sign.
"""

import re
from collections.abc import Iterable
from typing import Final

from workflows.redaction import visible

LONGEST_SCANNED: Final = 32_768
_TAIL: Final = 4_096
LONGEST_QUOTE: Final = 80
MOST_QUOTES: Final = 6
MOST_PARTS: Final = 8
_DOTLESS: Final = "\u0131"  # a pattern that ignores case takes it for an i
_LENGTH: Final = re.compile(r"[0-9,]+ characters")

# The joiner and the selectors are parts of emoji and of some scripts: they count beside plain letters, or in a long run.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
    "|(?<=[A-Za-z])[\u200c-\u200f]|[\u200c-\u200f](?=[A-Za-z])|[\ufe00-\ufe0f]{3}|\u2800{2}"
)
_ANYTHING_UNSEEN: Final = re.compile(r"[^\x20-\x7e\n\t\r]")
_BLANK: Final = re.compile(r"[ \t\r\n]{15,}")
_BLANK_LINES: Final = 15
_BLANK_SPACES: Final = 200
_COMMENT: Final = re.compile(r"<!--.{0,400}?-->", re.DOTALL)
_LONG: Final = 80
_ENCODED: Final = re.compile(
    r"(?<![A-Za-z0-9+/=])(?=[A-Za-z0-9+/]{0,60}[0-9])(?=[A-Za-z0-9+/]{0,60}[A-Z])(?=[A-Za-z0-9+/]{0,60}[a-z])[A-Za-z0-9+/]{80,}={0,2}"
)

_USER: Final = r"\b(?:user|human|person|anyone|operator)\b"
_NOT: Final = r"\b(?:do not|don['\u2019]t|never|must not|should not|without)"
_SECRETS: Final = r"(?:credentials|tokens?|secrets?|api keys?|passwords?)"
_TALK: Final = r"(?:conversation|chat) history|system prompt|(?:entire|full|whole) conversation|(?:all )?previous messages"
_PLACES: Final = r"(?:ssh|aws|gnupg|kube|docker|netrc|config|cursor|claude|env|npmrc|bash_history)"

# Each with the pieces that it cannot do without, one of each group: most texts are told by these at a tenth of the cost.
_NOTS: Final = ("do not", "don", "never", "must not", "should not", "without")
_ORDERS: Final = tuple(
    (needs, re.compile(pattern, re.IGNORECASE))
    for needs, pattern in (
        # Marks that give a piece of text more weight than it has.
        ((("<",),), r"</?(?:important|system|instructions?|secret|hidden|critical|admin|assistant)(?:[ _-](?!notes?\b)[a-z]{1,20})?>"),
        ((("<|", "inst]", "system"),), r"<\|(?:im_start|im_end|system|user|assistant)\|>|\[/?INST\]|^#{1,4} ?system\b"),
        (
            (("you are now", "new instruction", "from now on", "end of "),),
            r"\b(?:you are now|new instructions?:|from now on,? you|end of (?:tool )?(?:description|instructions))\b",
        ),
        # Away with the other instructions.
        (
            (("ignore", "disregard", "forget", "override", "bypass"),),
            (
                r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}"
                r"\b(?:previous|prior|above|earlier|preceding|all other|system|safety)\b"
                r".{0,20}\b(?:instructions?|prompts?|rules?|guidelines|messages?|directives?|polic(?:y|ies))\b"
            ),
        ),
        # Behind people's backs.
        (
            (
                _NOTS,
                ("tell", "inform", "mention", "notify", "alert", "reveal", "disclose", "show"),
                ("user", "human", "person", "anyone", "operator"),
            ),
            rf"{_NOT}\s+(?:ever )?(?:tell|inform|mention|notify|alert|reveal|disclose|show)(?:ing)?\b.{{0,40}}{_USER}",
        ),
        ((("hide", "conceal", "keep"), ("from the ",)), rf"\b(?:hide|conceal|keep)\b.{{0,30}}\b(?:(?:secret|hidden) )?from the {_USER}"),
        ((("secretly", "covertly", "surreptitiously"),), r"\b(?:secretly|covertly|surreptitiously)\b"),
        # Before, and instead of, all other tools.
        (
            (("always", "you must", "be sure to", "make sure to"), ("first", "before")),
            (
                r"\b(?:always|you must|be sure to|make sure to)\s+(?:call|use|run|invoke|execute)\s+(?:this|the)(?: tool| function)?"
                r"\s+(?:first|before (?:any|every|all|each|anything|everything|responding|answering|doing|other))"
            ),
        ),
        ((("before",), ("other",)), r"\b(?:call|use|run|invoke)\s+this(?: tool)?\s+before\s+(?:any|every|all|each)\s+other\b"),
        (
            (_NOTS, ("other",)),
            rf"{_NOT}\s+(?:use|call|trust|invoke)\s+(?:any )?other\s+(?:tools?|servers?)\b",
        ),
        # What belongs to others: files of the user, secrets of other tools, the conversation.
        (
            (("/.", "\\.", "id_", "/etc/", ".ssh/"),),
            (
                rf"(?:~|/(?:root|home/\w{{1,30}})|\$HOME|%USERPROFILE%)[/\\]\.{_PLACES}\b"
                r"|\bid_(?:rsa|ed25519|ecdsa)\b|/etc/(?:passwd|shadow)\b|\.ssh/"
            ),
        ),
        ((("mcp.json", ".env"),), r"\b(?:read|send|include|attach|copy|pass|upload|append|open)\b.{0,40}(?:\bmcp\.json\b|(?<!\w)\.env\b)"),
        (
            (("history", "system prompt", "conversation", "previous messages"),),
            rf"\b(?:send|pass|include|append|copy|put|forward|embed|attach)\b.{{0,60}}\b(?:{_TALK})\b",
        ),
        ((("other",),), rf"\b(?:{_SECRETS}|results?|output) (?:of|from|for|used by) (?:any |all |the )?other (?:tools?|servers?)\b"),
        (
            (("bcc", "redirect", "forward", "reroute"),),
            (
                r"\b(?:bcc|redirect|forward|reroute)\b.{0,30}\b(?:all|every|any)\b.{0,20}"
                r"\b(?:e-?mails?|messages?|payments?|funds|transfers?)\b.{0,30}\bto\b"
            ),
        ),
    )
)


def scanned(text: str) -> str:
    """Give the part of a text that is looked at: all of it, or, of a very long one, its beginning and its end."""
    return text if len(text) <= LONGEST_SCANNED else f"{text[:LONGEST_SCANNED]}\n{text[-_TAIL:]}"


def gathered(texts: Iterable[str]) -> tuple[str, ...]:
    """Join the texts of a definition to few parts, each but the last one long, so that many short ones cost what one costs.

    What does not fit into eight of them is left out, and the last part says how long it all was.
    """
    parts: list[str] = []
    joined: list[str] = []
    size = total = 0
    for text in filter(None, texts):
        part = scanned(text)
        total += len(text)
        if size + len(part) > LONGEST_SCANNED and joined:
            parts.append("\n".join(joined))
            joined, size = [], 0
        if len(parts) < MOST_PARTS:
            joined.append(part)
            size += len(part)
    parts.append("\n".join(joined))
    return (*parts, f"{total:,} characters") if total > LONGEST_SCANNED else tuple(parts)


def hidden_words(parts: Iterable[str]) -> tuple[str, ...]:
    """Quote what a reader of these texts would not see, with its characters written out."""
    found: dict[str, None] = {}
    for part in parts:
        if _LENGTH.fullmatch(part):
            found.setdefault(part)
        if _ANYTHING_UNSEEN.search(part) and (unseen := _UNSEEN.search(part)):
            _keep(found, part[max(unseen.start() - 10, 0) : unseen.end() + 20])
        if far := _far(part):
            _keep(found, far)
        if "<!--" in part and (comment := _COMMENT.search(part)):
            _keep(found, comment[0])
        if max(map(len, part.split()), default=0) >= _LONG and (encoded := _ENCODED.search(part)):
            _keep(found, encoded[0])
    return tuple(found)[:MOST_QUOTES]


def _far(part: str) -> str:
    """Give the text that stands after so much blank space that nobody scrolls to it."""
    for blank in _BLANK.finditer(part):
        wide = blank[0].count("\n") >= _BLANK_LINES or len(blank[0]) >= _BLANK_SPACES
        if wide and blank.end() < len(part):
            return part[blank.end() : blank.end() + LONGEST_QUOTE]
    return ""


def order_words(parts: Iterable[str]) -> tuple[str, ...]:
    """Quote what these texts order the model to do beyond the tool's own use."""
    found: dict[str, None] = {}
    for part in parts:
        plain = _UNSEEN.sub("", part) if _ANYTHING_UNSEEN.search(part) else part
        low = plain.casefold().replace(_DOTLESS, "i")
        for needs, pattern in _ORDERS:
            if all(any(piece in low for piece in group) for group in needs) and (order := pattern.search(plain)):
                _keep(found, order[0])
    return tuple(found)[:MOST_QUOTES]


def quoted(text: str) -> str:
    """Shorten a text to what can be quoted, with nothing unseen in it."""
    short = " ".join(text[: LONGEST_QUOTE * 2].split())
    shown = visible(short)
    return shown if len(shown) <= LONGEST_QUOTE else shown[: LONGEST_QUOTE - 1] + "\u2026"


def _keep(found: dict[str, None], text: str) -> None:
    if short := quoted(text):
        found.setdefault(short)
