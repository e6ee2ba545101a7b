"""What a description says: the main verb of its first sentence. Examples and denials do not count."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from workflows.catalogue import nouns
from workflows.catalogue.claiming import DENIED, LONGEST_READ, SKIPPED, listed_verbs, unmarked
from workflows.catalogue.meaning import Said, Strength, weigh
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag, phrasal, words
from workflows.catalogue.verbs import Form, Verb, verb

_MOST_TOKENS: Final = 60
_MOST_SENTENCES: Final = 12

_SENTENCE: Final = re.compile(r"(?<=[.!?\u3002])\s+|\n+|(?<=[\u3002\uff1b])")
_DASHES: Final = "-\u2013\u2014"
_TOKEN: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:['\u2019-][A-Za-z0-9]+)*|[,;:()/&\u2013\u2014]|(?<= )-(?= )|[^\W\d_a-zA-Z]+")
_ASIDE: Final = re.compile(
    r"(?:if|when|before|after|start here|note|important|warning|do not|don['\u2019]t|never"
    r"|required|prerequisite|you must|deprecated|example)\b",
    re.IGNORECASE,
)
_SQL: Final = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|DROP|ALTER|CREATE|TRUNCATE|MERGE|REPLACE|SHOW|DESCRIBE|EXPLAIN|WITH)\b")
_OF_SQL: Final = re.compile(r"\b(?:sql|quer(?:y|ies)|statements?)\b", re.IGNORECASE)
_TYPE: Final = re.compile(r"[A-Z][a-z]+[A-Z]")
_LABEL: Final = re.compile(rf"^[^.:\n]{{1,60}}?(?::| [{_DASHES}]) ?(?=\S)")

# Words before the main verb: "This tool allows you to", "A simple utility that will", "Safely".
_LEAD: Final = bag(
    """
    this the a an it mcp simple convenience main primary new our powerful high-level generic tool tools function endpoint method command
    api operation action utility wrapper helper interface server that which for to will can be is are used useful designed intended
    responsible you user users agent agents caller callers client clients llm llms allows allow allowing lets let enables enable helps
    help permits permit provides provide way ability means capability when whenever want need wants needs should them one ai model
    assistant please easily quickly safely automatically directly simply always securely programmatically efficiently atomically
    asynchronously synchronously conditionally optionally first then now immediately instantly manually partially fully permanently
    irreversibly bulk batch successfully remotely temporarily properly intelligently interactively just only over around also async
    quick fast in single step deprecated beta experimental legacy preferred attempt attempts try tries recommended premium pro free paid
    admin required and
    """
)
_DETERMINERS: Final = bag(
    """
    a an the all any each every this that these those your my our their its his her one multiple several many new existing specific
    specified given single some more up down on off out in into to from through for with against between provided current selected raw
    custom and or another arbitrary either both via what who how if whether
    """
)
_PEOPLE: Final = bag("you users user agents agent clients callers llms llm ai models assistants developers teams")
_JOINS: Final = _DETERMINERS - bag("and or for in on to from with")
_STOPS: Final = frozenset(",;:()/" + _DASHES) | bag(
    """
    from to for in on with by into via using at as that which where when through so if about within against based under between will can
    may is are must should would was has
    """
)
_ADVERBS: Final = bag(
    "then optionally permanently automatically also immediately securely safely atomically either even possibly subsequently"
)
# "Add or remove a label": what one does, the other undoes, and nothing is lost.
_UNDONE: Final = bag("add set assign apply attach enable toggle star pin link subscribe follow mark join put include grant")
_UNDOES: Final = bag("remove clear unset revoke reset unassign cancel")
# What is read is brought into shape: that is no deed of its own.
_SHAPES: Final = bag(
    "convert render process generate transform format perform compile report log display print present save store return name label"
)
_CHAIN: Final = frozenset({",", "and", "or", "/", "&", "then", "and/or"})
_TIDIES: Final = bag("cleanup clean clear reset flush expire empty strip")  # as a second verb: what is left over from the first
_VAGUE: Final = bag("submit issue request make use utilize give provide handle access")
_EMPTY: Final = bag("perform interact operate support")  # what they list is all that they do
_FRAMES: Final = bag("manage handle control administer maintain support perform interact operate")


def read_description(text: str) -> Said | None:
    """Say what the main verb of a description means, with those that are joined to it; None where no verb is found."""
    for sentence in [each for each in _sentences(text) if not _ASIDE.match(each)][:2]:
        if _OF_SQL.search(sentence):  # the statements that a query may hold are not what the tool always does
            sentence = _SQL.sub("statement", sentence)  # noqa: PLW2901
        for tokens in _openings(DENIED.sub(" ", sentence) if not DENIED.match(sentence) else sentence):
            said = _verb_phrase(tokens)
            if said is not None:
                return said
    return None


def _sentences(text: str) -> list[str]:
    plain = unmarked(text[:LONGEST_READ])
    return [part.strip() for part in _SENTENCE.split(plain) if part.strip()][:_MOST_SENTENCES]


def _openings(sentence: str) -> Iterator[list[str]]:
    """Give the words from where the verb may begin: at once, after the words that lead to it, and after a label."""
    label = _LABEL.match(sentence)
    for part in (sentence, sentence[label.end() :] if label else ""):
        tokens = list(phrasal(_spelled(_TOKEN.findall(part[:1_000])[:_MOST_TOKENS])))
        if not tokens:
            continue
        start = _led(tokens)
        if not _is_address(tokens, 0) and not _is_way(tokens):
            yield tokens
        if 0 < start < len(tokens):
            yield tokens[start:]


def _spelled(written: Sequence[str]) -> list[str]:
    """Give words as they are, and the name of a type as its words: CreditReversal."""
    spelled: list[str] = []
    for token in written:
        if token.islower() or not _TYPE.match(token):
            spelled.append(token.lower())
        else:
            spelled += words(token)
    return spelled


def _led(tokens: Sequence[str]) -> int:
    """Count the words that only lead to the verb."""
    index = 0
    while index < len(tokens) and (tokens[index] in _LEAD or _is_address(tokens, index)):
        index += 1
    return index


def _is_way(tokens: Sequence[str]) -> bool:
    """Whether it begins with a way to something: "Enables extraction from", "Enables users to"."""
    if tokens[0] not in {"enables", "enabling"} or len(tokens) == 1:
        return False
    following = verb(tokens[1])
    return tokens[1] in _PEOPLE or (following is not None and following.form is Form.NOUN)


def _is_address(tokens: Sequence[str], index: int) -> bool:
    """Whether it speaks of the tool before it comes to the verb: "Use this to", "Call it when"."""
    return tokens[index] in {"use", "call", "invoke", "run", "using"} and bool(
        {*tokens[index + 1 : index + 2]} & {"this", "it", "when", "whenever", "for", "to"}
    )


def _verb_phrase(tokens: Sequence[str]) -> Said | None:
    first = verb(tokens[0])
    if first is None or first.form is Form.PARTICIPLE:
        return _noun_phrase(tokens) if first is None else None
    if first.form is Form.NOUN or (first.weak and not _is_verb_here(tokens, 0)):
        noun = _noun_phrase(tokens)
        return noun or Said(weigh(first, _objects_after(tokens, 0), tokens[:12]), tokens[0], Strength.HINT, first.base)
    said = [
        Said(weigh(first, _objects_after(tokens, 0), _clause(tokens, 0)), tokens[0], _strength(first), first.base),
        *_joined(tokens, first),
    ]
    if first.base in _FRAMES:
        listed = listed_verbs(" ".join(tokens[1:]))
        said = listed + said[1:] if listed and first.base in _EMPTY and not said[0].category.grave else listed + said
        said += _including(tokens)
    return max(said, key=lambda each: each.category.rank)


def _including(tokens: Sequence[str]) -> Iterator[Said]:
    """Read "manages shares, including creating and deleting them": what is grave or runs."""
    start = next((index for index, token in enumerate(tokens) if token in {"including", "covering", "like"}), len(tokens))
    for index in range(start + 1, len(tokens)):
        found = verb(tokens[index])
        if found and found.form is Form.GERUND and not found.weak and found.category.rank >= Category.EXECUTE.rank:
            yield Said(weigh(found, _objects_after(tokens, index), tokens[index:]), tokens[index], Strength.PLAIN, found.base, joined=True)


def _strength(found: Verb) -> Strength:
    if found.base in _VAGUE:
        return Strength.LIKELY
    return Strength.PLAIN if not found.weak or found.form is Form.BASE else Strength.LIKELY


def _is_verb_here(tokens: Sequence[str], index: int) -> bool:
    """Whether a word that could be a noun is a verb: what follows it is what follows a verb."""
    if index + 1 >= len(tokens):
        return False
    following = tokens[index + 1]
    found = verb(tokens[index])
    if following in {"and", "or", ","} and _same_form(tokens, index):
        return True
    if following in _DETERMINERS:
        return not (following in {"and", "or", "for", "from", "to"} and found is not None and found.form is not Form.BASE)
    if following in _STOPS or following in nouns.READ:
        return False
    return found is not None and (found.form is not Form.THIRD or index == 0)


def _same_form(tokens: Sequence[str], index: int) -> bool:
    """Whether the word is joined to a plain verb in the same form: "reads and then deletes"."""
    here = verb(tokens[index])
    for token in tokens[index + 2 : index + 4]:
        found = verb(token)
        if found is not None and here is not None and found.form is here.form and not found.weak:
            return True
    return False


def _objects_after(tokens: Sequence[str], index: int) -> list[str]:
    objects: list[str] = []
    aside = False
    for each in tokens[index + 1 : index + 14]:
        if objects and each in "()":  # "a new OCO (one cancels the other) order"
            aside = each == "("
        elif each in _STOPS and not aside:
            break
        elif not aside and each not in SKIPPED:
            objects.append(each)
    return objects[:6]


def _clause(tokens: Sequence[str], index: int) -> list[str]:
    clause: list[str] = []
    for token in tokens[index + 1 : index + 14]:
        if token in {";", ":", "("} or token in _DASHES:
            break
        clause.append(token)
    return clause


def _joined(tokens: Sequence[str], first: Verb) -> list[Said]:
    """Find the verbs that are joined to the first one: in the same form, after a comma or "and"."""
    said: list[Said] = []
    chained = True  # only verbs so far: "create, update and delete tasks"
    for index in range(1, tokens.index("(") if "(" in tokens[2:] else len(tokens)):
        word, found = tokens[index], verb(tokens[index])
        if word == "to" and first.form is Form.BASE and _begins_infinitive(tokens, index):
            break
        if found is None or found.form is not first.form:
            chained = chained and (word in _CHAIN or word in _ADVERBS)
            continue
        if _is_joined(tokens, index, first, found) and (chained or not _is_bare(tokens, index, found, first)):
            around = [*tokens[:index], *_clause(tokens, index)]
            said.append(Said(weigh(found, _objects_after(tokens, index), around), word, Strength.PLAIN, found.base, joined=True))
        else:
            chained = False
    return said


def _begins_infinitive(tokens: Sequence[str], index: int) -> bool:
    """Whether "to" leads to a verb: what follows is a purpose, not a deed."""
    found = verb(tokens[index + 1]) if index + 1 < len(tokens) else None
    return found is not None and found.form is Form.BASE and not found.weak


def _is_joined(tokens: Sequence[str], index: int, first: Verb, found: Verb) -> bool:
    before = tokens[index - 1]
    if before in _ADVERBS and index > 1:
        before = tokens[index - 2]
    if before not in _CHAIN or (first.base in _UNDONE and found.base in _UNDOES) or found.base in _TIDIES:
        return False
    if before == "/":
        neighbour = verb(tokens[index - 2])
        return neighbour is not None and not neighbour.weak and neighbour.form is found.form
    return not (first.category is Category.READ and found.base in _SHAPES)


def _is_bare(tokens: Sequence[str], index: int, found: Verb, first: Verb) -> bool:
    """Whether a word stands like a noun: "lists charges and refunds"; an article after it makes it a verb."""
    if found.form is not Form.BASE and not found.weak and first.category is not Category.READ:
        return False
    following = tokens[index + 1 : index + 2]
    return not following or following[0] not in _JOINS


def _noun_phrase(tokens: Sequence[str]) -> Said | None:
    """Read a description without a verb: "Current weather for a city", "List of users"."""
    start = tokens[: next((index for index, token in enumerate(tokens[:7]) if token in _STOPS), 7)]
    for index, token in enumerate(start):
        found = verb(token)
        if index and found is not None and found.form is Form.NOUN and (found.category.grave or found.category is Category.READ):
            return Said(weigh(found, start[:index], start[:index]), token, Strength.HINT)
    if len(start) > 1 and start[0] == "all" and start[1].endswith("s"):
        return Said(Category.READ, " ".join(start[:2]), Strength.HINT)
    for token in start:
        if token in nouns.READ or token in nouns.CONTENT:
            return Said(Category.READ, token, Strength.HINT)
    return None
