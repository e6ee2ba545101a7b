"""The one boundary before every sink: secrets are hidden, and characters that lie about themselves are written out.

`visible` is for text that people read; `redact` is for values that leave for lists, logs, audit and chat. The fingerprint of a
hidden value is keyed with a secret of this process's database, so that a swap shows while a short secret cannot be guessed from it.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

import re2

from workflows.calls import JSON


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a policy hides beside what looks like a secret: values by their path in the arguments, and text by its pattern (RE2).

    A path is names, without the leading `args`; `*` stands for any one name, and a list is walked through, all of its items, whether or
    not the path has a `*` or a number for them. A name is found in any letter case, because an upstream may read it in any. A text that
    may be JSON is hidden whole where a path leads into it.
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

    def beyond(self, arguments: JSON) -> "Redaction":
        """What is hidden outside of these arguments, as in what a tool answered: what patterns find, and the very values of the paths.

        Where there are too many of them, or the arguments are a text that nobody could read, it is everything.
        """
        if isinstance(arguments, str) and self.paths:
            return _ALL
        hiding = _Hiding(Redaction(self.paths))
        hiding.arguments(arguments)
        echoes = {text.casefold(): text for text in _texts(hiding.values) if len(text) >= _SHORTEST_ECHO}
        if len(echoes) > _MOST_ECHOES:
            return _ALL
        literal = "|".join(re2.escape(text[:_LONGEST_ECHO]) for text in echoes.values())
        return Redaction(patterns=(*self.patterns, *([f"(?i:{literal})"] if literal else [])))


NOTHING: Final = Redaction()
_ALL: Final = Redaction(patterns=("(?s).+",))

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


def redact_text(text: str, rules: Redaction = NOTHING) -> str:
    """Hide what looks like a secret inside a text, and what the rules' patterns find in it, and leave the rest."""
    return _Hiding(rules).text(text)


def redact(value: JSON, rules: Redaction = NOTHING) -> JSON:
    """Hide secrets in a value at every depth: by the name of their key, and by their look. Shape and keys stay.

    With `rules` the value is the arguments of a call, and what lies at their paths is hidden, each as one text, and what their patterns
    find in texts, keys and numbers.
    """
    return _Hiding(rules).arguments(value)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value with what is hidden in it. `by` names what the rules hide, to announce it: paths as the policy writes them, and patterns.

    `secrets` tells whether something looked like a secret, `words` whether that was more than tokens: words, in which a reader might have
    found what they have to judge. What the rules hide is no such warning, because a policy wants it.
    """

    value: JSON
    secrets: bool
    words: bool
    by: tuple[str, ...]


def hide_in(value: JSON, rules: Redaction = NOTHING) -> Hidden:
    """Hide as `redact` does, and tell what was hidden. Text in the place of arguments is hidden whole where there are paths into them."""
    hiding = _Hiding(rules)
    shown = hiding.arguments(value)
    by = [".".join(("args", *path)) for number, path in enumerate(rules.paths) if number in hiding.led]
    return Hidden(shown, hiding.secrets, hiding.words, (*by, *([_BY_PATTERN] if hiding.found else [])))


_BY_PATTERN = "text that a pattern finds"
_SHORTEST_ECHO, _LONGEST_ECHO, _MOST_ECHOES = 3, 100, 100  # characters; how many values
_MOST_WORK = 2**26  # bytes that are looked through in one value; a search counts as if it went on to the end
_PLAIN_PROGRAM = 32  # instructions; a pattern compiled to so many more may be so many times slower
_JSON_BEGINS = ("{", "[", '"')

_Paths: TypeAlias = "tuple[tuple[int, tuple[str, ...]], ...]"
"""What is left of the rules' paths below a value, in folded case: each with its number."""
_Spans: TypeAlias = "list[tuple[int, int]]"


@lru_cache(maxsize=256)
def _compiled(rules: Redaction) -> tuple[_Paths, tuple[tuple[Any, int], ...]]:
    """Give the paths as they are walked, and the patterns, each with what looking through one byte costs."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    patterns = [re2.compile(pattern.encode(), options) for pattern in rules.patterns]
    paths = tuple((number, tuple(name.casefold() for name in path)) for number, path in enumerate(rules.paths))
    return paths, tuple((pattern, 1 + pattern.programsize // _PLAIN_PROGRAM) for pattern in patterns)


class _Hiding:
    """One look through one value. Its work is bounded: once there was too much to look through, texts are hidden whole."""

    def __init__(self, rules: Redaction) -> None:
        self.paths, self.patterns = _compiled(rules)
        self.left = _MOST_WORK
        self.led: set[int] = set()  # numbers of the paths that led to something
        self.values: list[JSON] = []  # what lies there
        self.found = False  # a pattern found something
        self.secrets = False  # something looks like a secret
        self.words = False  # and it has words

    def arguments(self, value: JSON) -> JSON:
        if isinstance(value, str) and self.paths:
            return self._ended(value, self.paths)
        return self._value(value, self.paths)

    def _value(self, value: JSON, paths: _Paths, *, secret: bool = False) -> JSON:
        if isinstance(value, dict):
            return {self.text(key): self._member(key, item, paths, secret=secret) for key, item in value.items()}
        if isinstance(value, list):
            paths = _of_items(paths)
            ended = tuple(path for path in paths if not path[1])
            return [self._ended(item, ended) if ended else self._value(item, paths, secret=secret) for item in value]
        if value is None or value is True or value is False or value == "":
            return value
        if paths and isinstance(value, str) and value.lstrip().startswith(_JSON_BEGINS):
            return self._ended(value, paths)
        if secret:
            self._note_secret(str(value))
            return _hidden(str(value))
        return self.text(value) if isinstance(value, str) else self._number(value)

    def _member(self, key: str, value: JSON, paths: _Paths, *, secret: bool) -> JSON:
        """Hide in a member: what a key with a secret's name holds is a secret too in a list, or under another name inside."""
        if paths:
            folded = key.casefold()
            paths = tuple((number, names[1:]) for number, names in paths if names[0] in {"*", folded})
            ended = tuple(path for path in paths if not path[1])
            if ended:
                return self._ended(value, ended)
        return self._value(value, paths, secret=secret or _SECRET_NAME.search(key) is not None)

    def _ended(self, value: JSON, paths: _Paths) -> JSON:
        self.led.update(number for number, _ in paths)
        self.values.append(value)
        return _hidden_whole(value)

    def _secret(self, found: re.Match[str]) -> str:
        self._note_secret(found.group())
        return _hidden(found.group())

    def _note_secret(self, text: str) -> None:
        self.secrets = True
        self.words = self.words or len(text.split()) > _TOKEN_WORDS

    def _number(self, value: float) -> JSON:
        if not self.patterns:
            return value
        written = json.dumps(value)
        return value if self._found(written) == [] else _hidden(written)

    def text(self, text: str) -> str:
        """Hide in a text. Where a secret and what a pattern finds overlap, they are hidden as one."""
        if not self.patterns:
            return _SECRET_VALUE.sub(self._secret, text)
        secrets = [found.span() for found in _SECRET_VALUE.finditer(text)]
        for start, end in secrets:
            self._note_secret(text[start:end])
        spans = _merged(secrets + self._found(text))
        parts: list[str] = []
        at = 0
        for start, end in spans:
            parts += [text[at:start], _hidden(text[start:end])]
            at = end
        return "".join([*parts, text[at:]])

    def _found(self, text: str) -> _Spans:
        """Give the places of what the patterns find, the whole text when it is too much to look through."""
        raw = text.encode("utf-8", "surrogatepass")
        spans: _Spans = []
        for pattern, cost in self.patterns:
            searches = pattern.finditer(raw)
            end = 0
            while self._may_look(cost * (len(raw) - end)):
                match = next(searches, None)
                if match is None:
                    break
                end = match.end()
                if match.start() < end:
                    spans.append((match.start(), end))
            else:
                spans = [(0, len(raw))] if raw else []
                break
        self.found = self.found or bool(spans)
        return _in_characters(raw, _merged(spans))

    def _may_look(self, work: int) -> bool:
        self.left -= work
        return self.left >= 0


def _of_items(paths: _Paths) -> _Paths:
    """What is left of paths for the items of a list: some people write `*` or a number where the items stand, and some write nothing."""
    written = [(number, names[1:]) for number, names in paths if names[0] == "*" or names[0].isdigit()]
    return tuple(dict.fromkeys((*paths, *written)))


def _hidden_whole(value: JSON) -> str:
    """Hide a value with all that is in it. How long yes, no and nothing are would tell which it is."""
    if value is None or isinstance(value, bool):
        return f"[redacted, fingerprint {keyed(json.dumps(value), length=8)}]"
    return _hidden(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _texts(values: Iterable[JSON]) -> Iterator[str]:
    """Every text and number in these values, as somebody would repeat it."""
    for value in values:
        if isinstance(value, (dict, list)):
            yield from _texts(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str):
            yield value.strip()
        elif value is not None and not isinstance(value, bool):
            yield json.dumps(value)


def _merged(spans: _Spans) -> _Spans:
    """Join what overlaps; in order."""
    joined: _Spans = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _in_characters(raw: bytes, spans: _Spans) -> _Spans:
    """From places in UTF-8, which a pattern may have put inside of a character, to places in the text."""
    if len(spans) == 0 or raw.isascii():
        return spans
    counted = at = 0
    placed: _Spans = []
    for start, end in spans:
        whole = _begin(raw, start, -1), _begin(raw, end, 1)
        counted, at = counted + _characters(raw, at, max(at, whole[0])), max(at, whole[0])
        first = counted
        counted, at = counted + _characters(raw, at, whole[1]), whole[1]
        placed.append((first, counted))
    return placed


def _characters(raw: bytes, start: int, end: int) -> int:
    return len(raw[start:end].decode("utf-8", "surrogatepass"))


def _begin(raw: bytes, at: int, step: int) -> int:
    """The nearest place in this direction where a character begins."""
    while 0 < at < len(raw) and raw[at] & 0xC0 == 0x80:  # noqa: PLR2004  # what every later byte of a character looks like
        at += step
    return at


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
