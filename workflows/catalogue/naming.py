"""What a name says: the verbs in it, wherever they stand. A dangerous verb anywhere counts; under a plain read verb a noun does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workflows.catalogue import nouns
from workflows.catalogue.meaning import moves_money, weigh
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag
from workflows.catalogue.verbs import Form, Verb, verb

_AND: Final = frozenset({"and", "or", "then", "n", "plus"})
# "list" in "list_delete" is the list that is deleted; "get" is never a thing.
_ALSO_NOUN: Final = bag("list find browse show compare validate verify preview")
_ABSORBS: Final = bag("preview estimate simulate validate explain verify calculate predict can dry should")
_ON_SCREEN: Final = bag("browser playwright puppeteer mouse keyboard desktop computer screen")
_FRAMES: Final = bag("manage handle control administer maintain")


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says a tool does; `word` is what said it, `base` its verb. Not `plain` where it could be a noun."""

    category: Category
    word: str
    plain: bool
    base: str = ""


def read_name(words: Sequence[str]) -> Said | None:
    """Say what the words of a name mean, or None where they say nothing."""
    verbs = [(index, found) for index, word in enumerate(words) if (found := _acting(words, index)) is not None]
    plain = [(index, found) for index, found in verbs if not found.weak]
    if plain:
        return _plainly(words, verbs, plain)
    if verbs:
        return _weakly(words, verbs)
    return _by_noun(words)


def _acting(words: Sequence[str], index: int) -> Verb | None:
    """Take a word of a name as a verb: its base form, or another form of a plain verb that begins the name."""
    found = verb(words[index])
    if found is None or found.form is Form.PARTICIPLE:
        return None
    if found.form is Form.BASE:
        return found
    if found.form is Form.THIRD:
        return found if index == 0 and not found.weak and len(words) > 1 else None
    if found.category.grave or len(words) <= 2:  # noqa: PLR2004  # "bulk deletion", "processing": with a noun or nothing beside it
        return Verb(found.base, found.category, found.form, weak=True) if not found.weak else None
    return None


def _objects(words: Sequence[str], index: int) -> list[str]:
    """Give what the verb at this place acts on: what follows it, or, where it comes last, what is before it."""
    after = [word for word in words[index + 1 :] if word not in _AND]
    return after or list(words[:index])


def _weighed(words: Sequence[str], index: int, found: Verb, *, plain: bool) -> Said:
    if (
        words[0] in _ON_SCREEN
        and found.category is Category.WRITE
        and index > 0
        and found.base in {"close", "resize", "move", "upload", "handle"}
    ):
        return Said(Category.EXECUTE, words[index], plain)
    return Said(weigh(found, _objects(words, index), words), words[index], plain, found.base)


def _plainly(words: Sequence[str], verbs: list[tuple[int, Verb]], plain: list[tuple[int, Verb]]) -> Said:
    first_index, first = plain[0]
    said = [_weighed(words, first_index, first, plain=True)]
    if first.base in _FRAMES and words[-1] in {"read", "readonly", "get", "list", "view"}:
        return Said(Category.READ, words[-1], plain=True)
    absorbed = bool(_ABSORBS & {*words[: first_index + 1]})
    for index, found in verbs:
        if index == first_index:
            continue
        joined = index > 0 and words[index - 1] in _AND
        last = index == len(words) - 1
        if joined and index > first_index:
            said.append(_weighed(words, index, found, plain=True))
        elif found.weak or absorbed or not found.category.grave:
            continue
        elif (
            index < first_index
            or (first.category is not Category.READ and not _neutral(words, index))
            or (last and first.base in _ALSO_NOUN)
        ):
            said.append(_weighed(words, index, found, plain=True))
    if said[0].category is Category.READ and len(words) - 1 != first_index and first.base in _ALSO_NOUN:
        last_verb = _acting(words, len(words) - 1)
        if last_verb and not last_verb.weak and not absorbed:
            said.append(_weighed(words, len(words) - 1, last_verb, plain=True))
    return max(said, key=lambda each: each.category.rank)


def _neutral(words: Sequence[str], index: int) -> bool:
    return index + 1 < len(words) and words[-1] in nouns.NEUTRAL


def _weakly(words: Sequence[str], verbs: list[tuple[int, Verb]]) -> Said:
    first_index, first = verbs[0]
    last_index, last = verbs[-1]
    joined = [(index, found) for index, found in verbs if index > 0 and words[index - 1] in _AND]
    if joined:
        said = [_weighed(words, index, found, plain=True) for index, found in [verbs[0], *joined]]
        return max(said, key=lambda each: each.category.rank)
    if first_index == 0:
        if len(words) > 1 and words[-1] in nouns.READ and first.category is not Category.READ and not _commands(first):
            return Said(Category.READ, words[-1], plain=False)
        if first.category is not Category.READ and last.category is Category.READ and last_index == len(words) - 1 and not _commands(first):
            return _weighed(words, last_index, last, plain=False)
        return _weighed(words, first_index, first, plain=len(words) > 1 and first.category is not Category.FINANCIAL)
    if words[-1] in nouns.READ:
        return Said(Category.READ, words[-1], plain=False)
    return _weighed(words, last_index, last, plain=False)


def _commands(found: Verb) -> bool:
    """Whether a weak verb that begins a name is a command even before a noun that reads: set_config, post_status."""
    return found.base in {"set", "put", "patch", "run", "reset", "post", "publish", "import", "push", "flush", "store", "test"}


def _by_noun(words: Sequence[str]) -> Said | None:
    if not words:
        return None
    if words[-1] in nouns.READ:
        return Said(Category.READ, words[-1], plain=False)
    if words[0] in nouns.READ and not moves_money(words, words):
        return Said(Category.READ, words[0], plain=False)
    return None
