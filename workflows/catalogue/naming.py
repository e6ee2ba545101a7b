"""What a name says: the verbs in it, wherever they stand. A dangerous verb anywhere counts; under a plain read verb a noun does not."""

from collections.abc import Sequence
from typing import Final

from workflows.catalogue import nouns
from workflows.catalogue.meaning import Said, Strength, moves_money, weigh
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag
from workflows.catalogue.verbs import Form, Verb, verb

_AND: Final = bag("and or then n plus")
# "list" in "list_delete" is the list that is deleted; "get" is never a thing.
_ALSO_NOUN: Final = bag("list find browse show compare validate verify preview display")
_ABSORBS: Final = bag("preview estimate simulate validate explain verify calculate predict can should is")
_QUOTES: Final = bag("quote check test plan")
_ABOUT: Final = bag("status history logs info details progress result results summary stats count")
_SETS: Final = bag("set put change post mark clear reset push publish share edit flush empty store print move")
_LOOKS: Final = bag("read check view count scan search look see track watch monitor")
# Inside a name, after what runs or pays, these are read: loans_repay_history, token_convert_recommendation.
_OUTCOMES: Final = _ABOUT | bag("recommendation recommendations quote quotes estimate")
_ASKS: Final = bag("how what which why when where who is has can does should are exists was")
_QUALIFIES: Final = bag("by for with from via using")
_ORDERS: Final = bag("order trade bet bid oco oto otoco")
_FRAMES: Final = bag("manage handle control administer maintain")
_LISTS: Final = bag("list find search")  # last in a name, what another verb may be done to: archive_list
_THINKS: Final = bag("thinking reasoning monologue sequentialthinking")
_RECORDS: Final = bag("log diff trace report audit")  # last in a name, what is read
# Weak verbs that, first in a name, are more often the thing that the tool is about: order_status, call_transcript, trade_history.
_THINGS: Final = bag(
    """
    ask reverse issue pull commit block schedule sync rate scale trigger hold setup order trade call message email sms text chat invoice
    bill charge swap deposit bridge stake mint tip fund reward transfer exchange group index cache log branch release comment tag label
    note draft record snapshot backup stream process test control batch work pipeline shell terminal python phone template document plan
    progress alert share vote report loan credit debit gift auction supply delegate book rent lease purchase payout checkout settle
    airdrop wire page feed queue timeout signal limit pair style route mirror format graph cluster file name link change stash fork
    query search watch track trace profile audit review survey sample poll prompt proxy sandbox repl program spin mouse keyboard power
    kubectl nmap nikto sqlmap gobuster ffmpeg cmd cli powershell applescript npm npx pip pytest jest cargo gradle mvn maven
    key deep dock heat fill select bundle access question top stat map split build
    """
)


def read_name(words: Sequence[str]) -> Said | None:
    """Say what the words of a name mean, or None where they say nothing."""
    if words and words[0] in _ASKS:
        return Said(Category.READ, words[0], Strength.PLAIN)
    turned = _turned(words) or _thinks(words) or _places(words)
    if turned:
        return turned
    verbs = [(index, found) for index in range(_head(words)) if (found := _acting(words, index)) is not None]
    plain = [(index, found) for index, found in verbs if not found.weak]
    if plain:
        return _plainly(words, verbs, plain)
    if verbs:
        return _weakly(words, verbs)
    return _by_noun(words)


def _head(words: Sequence[str]) -> int:
    """Count the words up to what qualifies them: after "by" and "for" there are only nouns."""
    return next((index for index, word in enumerate(words) if index > 0 and word in _QUALIFIES), len(words))


def _turned(words: Sequence[str]) -> Said | None:
    """Read `text_to_speech`: one kind of thing is made into another."""
    for index in range(1, len(words) - 1):
        if words[index] in {"to", "2"} and words[index - 1] in nouns.KINDS and not any(_is_base(word) for word in words[: index - 1]):
            made = {words[index - 1], words[index + 1]} <= nouns.MEASURES | {"number"}
            return Said(Category.OTHER if made else Category.EXECUTE, " ".join(words[index - 1 : index + 2]), Strength.PLAIN)
    return None


def _thinks(words: Sequence[str]) -> Said | None:
    """Read `sequential_thinking`: a place to think in, where nothing is done."""
    found = next((word for word in words[-2:] if word in _THINKS), "")
    if not found or words[-1] in nouns.READ or any((known := verb(word)) and known.form is Form.BASE for word in words):
        return None
    return Said(Category.OTHER, found, Strength.PLAIN)


def _places(words: Sequence[str]) -> Said | None:
    """Read `spot_place_order` and `new_oco`: an order is placed, whatever stands before it."""
    for index, word in enumerate(words[:-1]):
        ordered = [each for each in words[index + 1 : index + 4] if each in _ORDERS]
        if word in {"place", "new"} and ordered and moves_money(words[index + 1 :], words) and not _is_read(words[:index]):
            return Said(Category.FINANCIAL, f"{word} {ordered[0]}", Strength.PLAIN)
    return None


def _is_read(words: Sequence[str]) -> bool:
    return any((found := verb(word)) is not None and found.category is Category.READ for word in words)


def _is_base(word: str) -> bool:
    found = verb(word)
    return found is not None and found.form is Form.BASE and word != "convert"


def _acting(words: Sequence[str], index: int) -> Verb | None:
    """Take a word of a name as a verb: its base form, or another form of a plain verb that begins the name."""
    found = verb(words[index])
    if found is None or found.form is Form.PARTICIPLE:
        return None
    if found.form is Form.BASE:
        return found
    if found.form is Form.THIRD:
        return found if index == 0 and not found.weak and len(words) > 1 else None
    if found.category.grave and (found.form is Form.NOUN or not found.weak):  # "bulk deletion": said with a noun, and meant
        return Verb(found.base, found.category, found.form, weak=True)
    return None


def _objects(words: Sequence[str], index: int) -> list[str]:
    """Give what the verb at this place acts on: what follows it, or, where it comes last, what is before it."""
    after = [word for word in words[index + 1 :] if word not in _AND]
    return after or list(words[:index])


def _weighed(words: Sequence[str], index: int, found: Verb, strength: Strength) -> Said:
    return Said(weigh(found, _objects(words, index), words), words[index], strength, found.base)


def _plainly(words: Sequence[str], verbs: list[tuple[int, Verb]], plain: list[tuple[int, Verb]]) -> Said:
    first_index, first = plain[0]
    if first.base in _FRAMES and words[-1] in {"read", "readonly", "get", "list", "view", "capabilities"}:
        return Said(Category.READ, words[-1], Strength.PLAIN)
    if verbs[0][0] == 0 < first_index and words[0] not in _THINGS and first.category.grave and words[-1] in nouns.NEUTRAL:
        return _weighed(words, 0, verbs[0][1], Strength.PLAIN)  # set_refund_reason
    if verbs[0][0] == 0 < first_index < len(words) - 1 and words[0] in _LOOKS and not first.category.grave and words[1] not in _AND:
        return _weighed(words, 0, verbs[0][1], Strength.PLAIN)  # read_ssh_connections
    if words[-1] in _OUTCOMES and len(plain) == 1 and _runs_inside(first_index, first):
        return Said(Category.READ, words[-1], Strength.LIKELY)
    listed = words[-1] in _LISTS and first_index == len(words) - 1 == 1 and verbs[0][1].category is Category.WRITE
    said = [_weighed(words, first_index, first, Strength.LIKELY if listed else Strength.PLAIN)]
    if first_index > 0 and words[0] in _QUOTES and first.category.grave and words[1] not in _AND:
        return Said(Category.READ, words[0], Strength.PLAIN)  # quote_buy
    absorbed = bool(_ABSORBS & {*words[: first_index + 1]})
    for index, found in verbs:
        if index == first_index:
            continue
        if (index > first_index and words[index - 1] in _AND) or (
            not found.weak and not absorbed and _acts_too(words, index, found, first)
        ):
            said.append(_weighed(words, index, found, Strength.PLAIN))
    return max(said, key=lambda each: each.category.rank)


def _runs_inside(index: int, found: Verb) -> bool:
    return index > 0 and found.category in (Category.EXECUTE, Category.FINANCIAL)


def _acts_too(words: Sequence[str], index: int, found: Verb, first: Verb) -> bool:
    """Whether a second plain verb of a name acts: the last word after what may be a noun, or a grave one that is not part of a noun."""
    last = index == len(words) - 1
    if first.base in _ALSO_NOUN:
        return last
    grave = found.category.grave and first.category is not Category.READ
    return grave and (last or words[-1] not in nouns.NEUTRAL)


def _weakly(words: Sequence[str], verbs: list[tuple[int, Verb]]) -> Said:
    first_index, first = verbs[0]
    last_index, last = verbs[-1]
    joined = [(index, found) for index, found in verbs if index > 0 and words[index - 1] in _AND]
    if joined:
        sure = Strength.PLAIN if first_index == 0 else Strength.LIKELY
        said = [_weighed(words, index, found, sure) for index, found in [verbs[0], *joined]]
        return max(said, key=lambda each: each.category.rank)
    asked = words[-1] in _ABOUT and words[0] not in _SETS  # run_status
    if first_index == 0 and len(words) > 1 and words[0] not in _THINGS and not asked:
        return _weighed(words, 0, first, Strength.PLAIN)
    return _about_a_thing(words, (first_index, first), (last_index, last))


def _about_a_thing(words: Sequence[str], first: tuple[int, Verb], last: tuple[int, Verb]) -> Said:
    """Read a name whose weak verbs may all be nouns: order_status, order_pizza, token_swap, git_log."""
    alone = len(words) == 1
    ends = last[0] == len(words) - 1
    looked_up = words[-1] in nouns.READ and not (ends and last[1].category is not Category.READ)
    if not alone and (looked_up or (ends and words[-1] in _RECORDS)):
        return Said(Category.READ, words[-1], Strength.HINT)
    if first[0] == 0 and (last[0] == 0 or first[1].category is Category.READ):
        return _weighed(words, 0, first[1], Strength.HINT if alone or first[1].category.grave else Strength.LIKELY)
    return _weighed(words, last[0], last[1], Strength.HINT)


def _by_noun(words: Sequence[str]) -> Said | None:
    if not words:
        return None
    if words[-1] in nouns.READ:
        return Said(Category.READ, words[-1], Strength.HINT)
    last = verb(words[-1])
    if last is not None and last.form is Form.NOUN and last.category is Category.READ:
        return Said(Category.READ, words[-1], Strength.HINT)
    if words[0] in nouns.READ and not moves_money(words, words):
        return Said(Category.READ, words[0], Strength.HINT)
    return None
