"""What the texts add up to. Law: money and deletion win, then the name's plain verb, then the description, then nouns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from workflows.catalogue import nouns, phrases
from workflows.catalogue.claiming import claims
from workflows.catalogue.describing import read_description
from workflows.catalogue.hidden import quoted
from workflows.catalogue.languages import read_foreign
from workflows.catalogue.meaning import Said, Strength, moves_money, weigh
from workflows.catalogue.naming import read_name
from workflows.catalogue.parameters import Parameters
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag, words
from workflows.catalogue.verbs import Form, verb

_BEGINNING: Final = 300  # characters in which a description says what the tool is for
_SHORT: Final = 4  # letters of a word that may be a name: paga
_NOTHING: Final = "nothing in it says what it does"
_STATEMENTS: Final = bag("sql cypher statement")
_COMMANDS: Final = bag("command code script")
_KEPT: Final = bag("save create add write set")  # these leave something behind, on a screen too
_RUNS: Final = bag("run execute query perform exec call")
_CANCELS: Final = bag("cancel abort void expire revoke clear reset")
_MAKES: Final = bag("create add make submit post new")  # "create a build" starts it
_MOVES: Final = bag("transfer swap trade order stake payout checkout deposit mint purchase airdrop bet bid")
_MAKES_MONEY: Final = bag("make perform execute submit place initiate process undo create")
_GIVES: Final = bag("generate create")
_STARTS: Final = bag("trigger run start launch execute deploy invoke")
_TAKES_OFF: Final = bag("remove clear reset cancel")  # of some objects, no loss: a label, a filter, a counter
_PUBLISHES: Final = bag("publish send post email broadcast notify announce")  # no way back from it, but nothing is lost
_FRAMES: Final = bag("manage operate administer handle control maintain")  # these do what the description says
_HANDS_IN: Final = bag("submit upload post send")
_WORKS_OUT: Final = bag("calculate compute")
_LOOKS_INTO: Final = bag("verify validate check test scan analyze")  # but first it is handed in
_PAYS: Final = bag("send transfer submit execute make process confirm move")
_STOPS: Final = bag("cancel abort")
_PLACES: Final = bag("path file dir directory folder filename filepath")
_OUT: Final = bag("output out save dest destination download")
_DOUBTFUL: Final = bag("actions operations commands tools settings tasks notifications utilities controls functions methods webhooks")
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH"})


@dataclass(slots=True)
class _Weighing:
    """The category so far, with its reasons, the last one being what decided. Not `sure` where a word decided that is as often a noun."""

    category: Category
    reasons: list[str] = field(default_factory=list)
    sure: bool = True

    def becomes(self, category: Category, because: str) -> None:
        self.category, self.sure = category, True
        self.reasons.append(because)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a tool does, and why: at least one sentence, the last one being what decided."""

    category: Category
    reasons: tuple[str, ...]
    sure: bool


def decide(name: Sequence[str], description: str, taken: Parameters) -> Decision:
    """Weigh all that is said of a tool. `name` is its words."""
    named = read_name(name) or _foreign_name(name)
    described = read_description(description) or read_foreign(description)
    weighing = _texts(named, described)
    sure = _surely_reads(named, described)
    _by_claims(weighing, description, sure=sure)
    _by_phrases(weighing, description, named, described, sure=sure)
    _by_choices(weighing, taken, name)
    _by_looks(weighing, description, taken, named)
    _by_parameters(weighing, description, taken, described)
    _by_place(weighing, name, named, described)
    if _unknown(weighing) and not description and _is_listing(name):
        weighing.becomes(Category.READ, f'the name is only of "{quoted(name[-1])}"')
        weighing.sure = False
    return Decision(weighing.category, tuple(weighing.reasons), weighing.sure)


def _by_name(said: Said) -> str:
    return f'the name says "{quoted(said.word)}"'


def _by_text(said: Said) -> str:
    return f'the description says "{quoted(said.word)}"'


def _is_listing(name: Sequence[str]) -> bool:
    """Whether a name without a verb is of several things: adb_devices. What is money stays in doubt."""
    last = name[-1] if len(name) > 1 else ""
    several = last.endswith("s") and not last.endswith(("ss", "us", "is")) and len(last) > _SHORT
    return several and verb(last) is None and not moves_money(name, name) and last not in _DOUBTFUL


def _foreign_name(name: Sequence[str]) -> Said | None:
    said = read_foreign(" ".join(name))
    return said if said and (len(said.word) > _SHORT or not said.word.isascii()) else None


def _surely_reads(named: Said | None, described: Said | None) -> bool:
    """Whether name and description both read, or one does plainly and the other says nothing."""
    said = [each for each in (named, described) if each is not None]
    return bool(said) and all(each.category is Category.READ for each in said) and any(each.strength > Strength.HINT for each in said)


def _texts(named: Said | None, described: Said | None) -> _Weighing:
    if named and described:
        return _both(named, described)
    if named:
        return _Weighing(named.category, [_by_name(named)], sure=named.strength > Strength.HINT)
    if described:
        return _Weighing(described.category, [_by_text(described)], sure=described.strength > Strength.HINT)
    return _Weighing(Category.OTHER, [_NOTHING])


def _both(named: Said, described: Said) -> _Weighing:
    """Weigh a name and a description that say different things, and keep the one that decides."""
    name, text = _by_name(named), _by_text(described)
    if named.category is described.category:
        return _Weighing(named.category, [text, name])
    if _knows_better(named, described):
        return _Weighing(described.category, [name, text])
    for said, because in ((named, name), (described, text)):
        if said.category.grave and (said.strength is Strength.PLAIN or (said is named and _is_made(named, described))):
            return _Weighing(said.category, [because])
    if named.base and named.base == described.base and not named.category.grave:
        known = verb(named.base)  # what knows more of the object than the verb alone decides
        plain = known is not None and described.category is known.category
        return _Weighing(named.category, [text, name]) if plain else _Weighing(described.category, [name, text])
    starts = named.base in _MAKES and described.category is Category.EXECUTE and described.base in _STARTS
    more = named.category is Category.READ and described.category is Category.WRITE and described.joined  # it reads, and then it writes
    if starts or more or described.strength > named.strength:
        return _Weighing(described.category, [text], sure=described.strength > Strength.HINT)
    return _Weighing(named.category, [name], sure=named.strength > Strength.HINT)


def _is_made(named: Said, described: Said) -> bool:
    """Whether the name says what is made, and moves money: universal_transfer."""
    return named.base in _MOVES and named.category is Category.FINANCIAL and described.base in _MAKES_MONEY


def _knows_better(named: Said, described: Said) -> bool:
    """Whether the description knows what the name's verb leaves open. A name that deletes or pays stays, but for a label taken off."""
    if named.category.grave:
        return named.base == described.base and named.base in _TAKES_OFF and described.category is Category.WRITE
    asks = described.base == "ask" and described.category is Category.OTHER and named.category is not Category.EXECUTE
    hands_in = named.base in _LOOKS_INTO and described.base in _HANDS_IN and described.category.rank > named.category.rank
    runs = named.base == "write" and described.base in _RUNS and described.category is Category.EXECUTE  # a statement that is given
    posts = named.base == "post" and described.category is Category.READ and described.strength is Strength.PLAIN
    gives = named.base in {"authorize", "authenticate"} and described.base in _GIVES  # the address where it is done
    works_out = named.base in _WORKS_OUT and described.category is Category.OTHER
    return asks or hands_in or runs or posts or works_out or gives or (named.base in _FRAMES and described.strength is Strength.PLAIN)


def _unknown(weighing: _Weighing) -> bool:
    return weighing.category is Category.OTHER and weighing.reasons[-1] == _NOTHING


def _by_claims(weighing: _Weighing, description: str, *, sure: bool) -> None:
    unknown = _unknown(weighing)
    for said in claims(description):
        if said.category.rank > weighing.category.rank and not sure and (said.category.grave or unknown):
            weighing.becomes(said.category, _by_text(said))


def _by_phrases(weighing: _Weighing, description: str, named: Said | None, described: Said | None, *, sure: bool) -> None:
    if not weighing.category.grave and (told := phrases.first(phrases.PAYS_ITSELF, description)):
        weighing.becomes(Category.FINANCIAL, f'the description says "{quoted(told)}"')
        return
    runs = bool({said.base for said in (named, described) if said} & _RUNS)
    if runs and weighing.category is Category.EXECUTE and (told := phrases.first(phrases.READ_ONLY, description)):
        weighing.becomes(Category.READ, f'the description says "{quoted(told)}"')
    elif not sure and not weighing.category.grave and (told := phrases.no_undo(description, kept=_published(named, described))):
        weighing.becomes(Category.DESTRUCTIVE, f'the description says "{quoted(told)}"')
    elif weighing.category in (Category.READ, Category.OTHER) and (told := phrases.first(phrases.WRITES, description)):
        weighing.becomes(Category.WRITE, f'the description says "{quoted(told)}"')
    elif described and (described.category is Category.READ or described.strength is Strength.HINT) and _guides(weighing, description):
        pass
    elif named and named.base in _CANCELS and weighing.category is Category.DESTRUCTIVE and not phrases.no_undo(description):
        _by_status(weighing, description)


def _published(named: Said | None, described: Said | None) -> bool:
    return named is not None and described is not None and {named.base, described.base} <= _PUBLISHES


def _guides(weighing: _Weighing, description: str) -> bool:
    """Tell a tool that installs from one that says how it is done."""
    told = phrases.first(phrases.GUIDES, description[:_BEGINNING]) if not weighing.category.grave else None
    if told:
        weighing.becomes(Category.READ, f'the description says "{quoted(told)}"')
    return bool(told)


def _by_status(weighing: _Weighing, description: str) -> None:
    if status := phrases.first(phrases.ONLY_STATUS, description):
        weighing.becomes(Category.WRITE, f'the description says "{quoted(status)}"')


def _by_place(weighing: _Weighing, name: Sequence[str], named: Said | None, described: Said | None) -> None:
    """On a screen, what would be a write elsewhere is a click or a key."""
    kept = {said.base for said in (named, described) if said} & _KEPT
    if weighing.category is Category.WRITE and len(name) > 1 and name[0] in nouns.DRIVEN and not kept:
        weighing.becomes(Category.EXECUTE, f'the name begins with "{quoted(name[0])}"')


def _by_choices(weighing: _Weighing, taken: Parameters, name: Sequence[str]) -> None:
    """Take the worst of what a parameter like `action` lets one choose."""
    for parameter in taken.read:
        if not parameter.chooses:
            continue
        if {*parameter.choices} >= _METHODS - {"PATCH"}:
            if not weighing.category.grave and weighing.category is not Category.EXECUTE:
                weighing.becomes(Category.EXECUTE, f'the parameter "{quoted(parameter.name)}" takes any HTTP method')
            continue
        for choice in parameter.choices:
            split = words(choice)
            found = verb(split[0]) if split else None
            if found is None or found.form is not Form.BASE or (found.weak and (found.category.grave or len(split) > 1)):
                continue
            objects = split[1:] or [word for word in name if verb(word) is None][-2:]
            category = weigh(found, objects, objects)
            if weighing.category is Category.EXECUTE and found.base in _STOPS and not split[1:]:
                continue  # what it started, it may stop
            if category.rank > weighing.category.rank and (category.grave or weighing.category in (Category.OTHER, Category.READ)):
                weighing.becomes(category, f'the parameter "{quoted(parameter.name)}" offers "{quoted(choice)}"')


def _by_looks(weighing: _Weighing, description: str, taken: Parameters, named: Said | None) -> None:
    """A tool that manages, where all that can be chosen only reads, reads; one that downloads into a file writes it."""
    if weighing.category is Category.WRITE and named is not None and named.base in _FRAMES:
        offered = [choice for each in taken.read if each.chooses for choice in each.choices] or phrases.offered(description)
        read = [said for choice in offered if (said := read_name(words(choice))) and said.category is Category.READ]
        if offered and len(read) == len(offered):
            weighing.becomes(Category.READ, f'all that it offers reads: "{quoted(offered[0])}"')
    if (
        weighing.category is Category.READ
        and named is not None
        and named.base == "download"
        and (told := phrases.first(phrases.SAVES, description))
    ):
        weighing.becomes(Category.WRITE, f'the description says "{quoted(told)}"')


def _by_parameters(weighing: _Weighing, description: str, taken: Parameters, described: Said | None) -> None:
    ends = {parameter.words[-1]: parameter.name for parameter in taken.read if parameter.top and parameter.words}
    base = described.base if described else ""
    if (weighing.category is Category.READ and base in _RUNS) or _unknown(weighing):
        wanted = _STATEMENTS if weighing.category is Category.READ else _STATEMENTS | _COMMANDS
        for word in sorted(wanted & ends.keys()):
            if not phrases.first(phrases.READ_ONLY, description):
                weighing.becomes(Category.EXECUTE, f'the parameter "{quoted(ends[word])}" is run')
                return
    saved = [each.name for each in taken.read if each.top and each.words[-1:] and _PLACES & {each.words[-1]} and _OUT & {*each.words[:-1]}]
    if weighing.category is Category.READ and saved:
        weighing.becomes(Category.WRITE, f'what it reads is saved to the parameter "{quoted(saved[0])}"')
    money = {"amount"} & ends.keys() and bag("currency recipient card token destination payee beneficiary") & ends.keys()
    if money and base in _PAYS and not weighing.category.grave and weighing.category is not Category.READ:
        weighing.becomes(Category.FINANCIAL, f'the parameters "{quoted(ends["amount"])}" and "{quoted(ends[min(money)])}" move money')
