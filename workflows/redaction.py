"""The one boundary before every sink: secrets are hidden, and characters that lie about themselves are written out.

`visible` is for text that people read; `redact` is for values that leave for lists, logs, audit and chat. The fingerprint of a
hidden value is keyed with a secret of this process's database, so that a swap shows while a short secret cannot be guessed from it.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from workflows.calls import JSON


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a policy hides beside what looks like a secret: values by their path in the arguments, and text by its pattern (RE2).

    A path is names, without the leading `args`; `*` stands for any one name, and a list is walked through, all of its items.
    """

    paths: tuple[tuple[str, ...], ...] = ()
    patterns: tuple[str, ...] = ()

    def written(self) -> str | None:
        """Write it down for the row of a request; None when it hides nothing."""
        return json.dumps([self.paths, self.patterns]) if self.paths or self.patterns else None

    @classmethod
    def read(cls, text: str | None) -> "Redaction":
        """Read what `written` wrote."""
        paths, patterns = json.loads(text or "[[], []]")
        return cls(tuple(tuple(path) for path in paths), tuple(patterns))


NOTHING: Final = Redaction()

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|token$|(^|_|-)token|api_?-?key|access_?-?key|private_?-?key|authorization|credential|cookie|signature|(^|_)pin$|(^|_)cvv",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_[A-Za-z0-9_]{20,}\b|\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\b[rs]k_live_[A-Za-z0-9]{10,}|\bask[a-z]?_[A-Za-z0-9_-]{20,}|(?<![\w-])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}"
)
_TOKEN_WORDS = 2  # "Bearer", and what follows
_key = b"askfirst redaction"


def use_key(key: bytes) -> None:
    """Key the fingerprints of hidden values; done once, when a database is opened."""
    global _key  # noqa: PLW0603  # one key a process, set by the composition root before anything is drawn
    _key = key


def _hidden(text: str) -> str:
    return f"[redacted {len(text)} chars, fingerprint {keyed(text, length=8)}]"


def keyed(text: str, *, length: int = 12) -> str:
    """Name a text by a keyed digest (hex): it shows a swap, and nobody can guess a short secret from it."""
    return hmac.new(_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:length]


def redact_text(text: str) -> str:
    """Hide what looks like a secret inside a text, and leave the rest."""
    return _SECRET_VALUE.sub(lambda found: _hidden(found.group()), text)


def redact(value: JSON) -> JSON:
    """Hide secrets in a value at every depth: by the name of their key, and by their look. Shape and keys stay."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, dict):
        return {redact_text(key): _member(key, item) for key, item in value.items()}
    return value


def hides_words(value: JSON) -> bool:
    """Tell whether `redact` hides more than tokens: words, in which a reader might have found what they have to judge."""
    if isinstance(value, str):
        return any(len(found.group().split()) > _TOKEN_WORDS for found in _SECRET_VALUE.finditer(value))
    if isinstance(value, list):
        return any(map(hides_words, value))
    if isinstance(value, dict):
        return any(_words_inside(item) if _SECRET_NAME.search(key) else hides_words(item) for key, item in value.items())
    return False


def _words_inside(value: JSON) -> bool:
    if isinstance(value, (list, dict)):
        return any(map(_words_inside, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and len(value.split()) > _TOKEN_WORDS


def _member(key: str, value: JSON) -> JSON:
    return _all_hidden(value) if _SECRET_NAME.search(key) else redact(value)


def _all_hidden(value: JSON) -> JSON:
    """Hide what a key with a secret's name holds: a secret in a list, or under another name inside, is one too."""
    if isinstance(value, list):
        return [_all_hidden(item) for item in value]
    if isinstance(value, dict):
        return {redact_text(key): _all_hidden(item) for key, item in value.items()}
    return value if value is None or isinstance(value, bool) or value == "" else _hidden(str(value))


_KEPT = frozenset("\n\t")
_LYING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_LONG_RUN = 4
_MARKS = frozenset({"Mn", "Me"})  # not the combining class: it is 0 for marks of Thai, and for the ones that enclose


def visible(text: str) -> str:
    r"""Write every character that cannot be seen, reorders others or stacks on them as `\u{202E}`; new lines and tabs stay."""
    if text.isascii() and (text.isprintable() or not _LYING.search(text)):
        return text
    written: list[str] = []
    combining = 0
    for character in text:
        combining = combining + 1 if unicodedata.category(character) in _MARKS else 0
        if character not in _KEPT and (_unseen(character) or combining > _LONG_RUN):
            written.append(f"\\u{{{ord(character):04X}}}")
        else:
            written.append(character)
    return "".join(written)


def _unseen(character: str) -> bool:
    return bool(_LYING.match(character)) or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def has_unseen(text: str) -> bool:
    """Tell whether `visible` would write any of this text differently."""
    return visible(text) != text
