"""Does a tool that is called a reader or a writer run what it is given: a command, a statement, any method? Then people are asked."""

import re
from typing import Final

from workflows.catalogue import phrases
from workflows.catalogue.claiming import DENIED
from workflows.catalogue.hidden import quoted
from workflows.catalogue.parameters import Parameter, Parameters
from workflows.catalogue.shapes import Category
from workflows.catalogue.tokens import bag
from workflows.catalogue.verbs import Form, verb

LONGEST_READ: Final = 4_000
_LONGEST_TOLD: Final = 400  # characters of what is said of one parameter
_MOST: Final = 3

_RUN: Final = r"(?:execut|invok|evaluat|eval|run|runs|running|spawn|call)(?:e|es|ed|ing|s)?"
_SHELL: Final = (
    r"(?:shell|bash|zsh|powershell|subprocess|interpreter|command[- ]line|os\.system|eval|exec|terminal|child process|python|node|sh)"
)
_RUNS: Final = re.compile(
    # "by running the given shell command", "executes whatever is passed"
    rf"\b{_RUN} (?:\w+ ){{0,4}}?(?:(?:shell|bash|system|terminal|os|powershell|console) (?:command|script|snippet|code|line)s?"
    r"|(?:commands?|scripts?|code|snippets?|statements?|programs?|expressions?) (?:that |which )?(?:\w+ ){0,2}"
    r"(?:passed|given|provided|supplied|handed|received|you))\b"
    rf"|\b{_RUN} (?:\w+ )?(?:the |a )?(?:given|provided|supplied|passed|arbitrary|custom|raw|user|your|any)(?: \w+)? "
    r"(?:commands?|scripts?|code|snippets?|statements?|programs?|binar(?:y|ies)|executables?|methods?|functions?|sql)\b"
    rf"|\b{_RUN} (?:a |any |an )(?:\w+ )?(?:methods?|functions?) (?:of|on|by) "
    rf"|\b(?:whatever|what|anything) (?:you |it |is )?(?:is )?(?:give|pass|given|passed|provided?|supplied)\w* (?:\w+ ){{0,3}}?{_RUN}\b"
    rf"|\b{_RUN} (?:the |any |your |a )?(?:javascript|python|bash|shell|lua|ruby|groovy) (?:you|that|which|it is|passed|given)\b"
    r"|\bby (?:executing|running|calling|invoking) (?:an? |the )?(?:\w+ )?(?:commands?|scripts?)\b"
    rf"|\b{_RUN} (?:their|its|whose) (?:\w+ )?(?:code|scripts?)\b|\bdeseriali[sz]\w+ (?:\w+ )?(?:untrusted|arbitrary|pickled)\b"
    r"|\bcan (?:invoke|call|execute|run) (?:an? |any |the )?(?:\w+ )?(?:methods?|functions?|commands?|scripts?|code)\b"
    r"|/bin/(?:ba|z|da)?sh\b"
    # "is handed to bash"
    r"|\b(?:pass|hand|pipe|feed|fed|forward|giv|given|sent|put|inject|insert|go|paste|interpolat|append|expand|substitut)"
    rf"(?:e|es|ed|s|ing)?(?: \w+){{0,4}}? (?:through|to|into|in|by) (?:(?:the|a|an) )?(?:\w+ )?{_SHELL}\b"
    r"(?! (?:tool|file|script|library|list))"
    r"|(?<![\w.])(?:eval|exec|os\.system|popen)\("
    r"|\b(?:is|are|gets?) (?:then )?(?:evaluated|executed|interpreted|run) "
    rf"(?:(?:as|with|by|in) (?:the |a )?(?:{_SHELL}|code|javascript|js|sql)\b|verbatim)"
    r"|\bas it is (?:executed|run)\b|\b(?:executed|run|evaluated) (?:as it is|as is|unchecked|verbatim|without (?:any )?checks?)"
    # Stored objects that run as they are read.
    r"|\bunpickl\w+|\b(?:load|read|open|deserializ|deserialis|restor|import)\w* (?:\w+ ){0,5}?pickles?\b|\bpickle\.loads?\b"
    r"|\bunsafe (?:yaml )?(?:loader|load|deseriali[sz]ation)|\byaml\.(?:unsafe_)?load\("
    # Any statement, any method.
    r"|\b(?:arbitrary|any|raw|unrestricted|free-?form) (?:\w+[- ]?){0,2}(?:sql|cypher|shell|command|code|python|javascript)\b"
    r"|\b(?:any|arbitrary|all) (?:http |rest |rpc |json-rpc |api )?(?:methods?|verbs?)\b(?! (?:of payment|name))|\{method\}"
    r"|\b(?:queries|query) (?:or|and|and/or|/) (?:a )?mutations?\b|\bmutations? (?:or|and) quer(?:y|ies)\b",
    re.IGNORECASE,
)
# One of these stands in all that the pattern finds: most texts are told by them at a tenth of the cost.
_NEEDED: Final = bag(
    """
    shell bash zsh subprocess interpreter system terminal process python node command script snippet code statement program expression
    method function sql binar executable eval exec popen /bin/ whatever anything pickle unsafe yaml cypher verb mutation
    deseriali clause execute
    """
)
# Two of these are what the tool takes, unless they are what it turns away.
_CHANGES: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|DROP|TRUNCATE|ALTER|POST|PUT|PATCH)\b")
_TURNS_AWAY: Final = re.compile(
    r"\b(?:block|reject|forbid|disallow|prevent|refus|den|prohibit|not allow|exclud|no\b|only\b"
    r"|read-?only|safe|log|audit|docs?\b|documentation|includ|histor|event|trigger)",
    re.IGNORECASE,
)
_METHODS: Final = re.compile(r"\b(?:POST|PUT|PATCH|DELETE)\b")
_TOLD: Final = re.compile(
    r"\b(?:any|arbitrary|raw) sql\b|\b(?:shell|bash|powershell|system) (?:expression|command|script|code|line|snippet)"
    r"|\b(?:python|javascript|js|lua) (?:(?:code|script|expression|snippet|function)s? )?(?:to (?:run|execute|evaluate)|that|which|for)\b"
    r"|\b(?:command|script|code|statement|sql|expression)s? (?:to (?:run|execute|evaluate)"
    r"|(?:that |which )?is (?:run|executed|evaluated))\b"
    r"|\b(?:put|pasted|inserted|appended) (?:\w+ )?into (?:the |a )?(?:command|shell|query|statement|sql)\b|\bwhat to (?:run|execute)\b"
    r"|\b(?:put|added|appended|inserted) (?:\w+ )?(?:in)?to the (?:WHERE|FROM) clause\b",
    re.IGNORECASE,
)
_PROGRAMS: Final = bag("command commands cmd script shell bash powershell code sql statement")
_CODES_OF: Final = bag(
    """
    gift voucher coupon promo discount verification country currency iso airport postal zip referral otp oauth status language error
    region product stock station iata icao hs share invite access authorization barcode short numeric letter digit color unique
    """
)
_METHOD: Final = bag("method verb")
_PLACES: Final = bag("path url uri endpoint route resource")
_DONE_AFTER: Final = bag("then after afterwards finally cleanup finish success done step action operation op mode command do act next")
_CHOOSES: Final = bag("action operation op step mode command act do task what then")
_TRUE_IF: Final = re.compile(r"^(?:(?:if|when|whether)\b[^,.;]{0,40}, |whether to |if set, |set to true to |also |and )?", re.IGNORECASE)
_ITEM: Final = re.compile(r"[a-z]+")


def runs(description: str, taken: Parameters, category: Category) -> tuple[str, ...]:
    """Give the words by which a tool that reads or writes says that it runs what it is given."""
    if category not in (Category.READ, Category.WRITE):
        return ()
    free = [(each, each.text[:_LONGEST_TOLD]) for each in taken.read if each.top and not each.choices]
    text = description[:LONGEST_READ]
    everything = "\n".join([text, *(told for _, told in free)]).lower()
    speaks = any(each in everything for each in _NEEDED)
    found = _said(text) if speaks else []
    found += _changing(text) if category is Category.READ else []
    for each, told in free:
        program = category is Category.READ and _is_program(each, told) and not phrases.first(phrases.READ_ONLY, description)
        if program or (speaks and (_said(told) or _TOLD.search(told))):
            found.append(quoted(each.name))
    found += _any_method(taken)
    return tuple(dict.fromkeys(found))[:_MOST]


def _said(text: str) -> list[str]:
    found = _RUNS.search(DENIED.sub(" . ", text))
    return [quoted(found[0])] if found else []


def _changing(text: str) -> list[str]:
    """Find the statements or methods that change things, where a reader says that it takes them: "INSERT, UPDATE and DELETE"."""
    for line in text.splitlines():
        named = list(dict.fromkeys(_CHANGES.findall(line)))
        if len(named) > 1 and not _TURNS_AWAY.search(line):
            return [quoted(", ".join(named))]
    return []


def _is_program(parameter: Parameter, told: str) -> bool:
    """Whether the parameter is one to run, and no code to type in."""
    words = parameter.words
    if words[-1:] == ("code",):
        return len(words) == 1 and not _CODES_OF.intersection(_ITEM.findall(told.lower()))
    return bool(_PROGRAMS.intersection(words[-1:]))


def _any_method(taken: Parameters) -> list[str]:
    """Find a method that is free to choose beside a place: a request that may as well delete."""
    ends = {word for each in taken.read if each.top for word in each.words[-1:]}
    return [quoted(each.name) for each in taken.read if each.top and not each.choices and _is_method(each, placed=bool(_PLACES & ends))]


def _is_method(parameter: Parameter, *, placed: bool) -> bool:
    if not _METHOD.intersection(parameter.words[-1:]):
        return False
    named = {*parameter.words} <= _METHOD | {"http", "request"}
    return (placed and named) or bool(_METHODS.search(parameter.text[:_LONGEST_TOLD]))


def switched(taken: Parameters, category: Category) -> tuple[str, ...]:
    """Give the parameters by which a tool that reads or writes can be told to delete or pay: `purge: true`, `then: "delete_all"`."""
    if category not in (Category.READ, Category.WRITE):
        return ()
    return tuple(dict.fromkeys(quoted(each.name) for each in taken.read if each.top and _switches(each, category)))[:_MOST]


def _switches(parameter: Parameter, category: Category) -> bool:
    told = parameter.text[:_LONGEST_TOLD].lower()
    if parameter.switch:
        named = any(_is_grave(word) for word in parameter.words[:1])
        said = _ITEM.findall(_TRUE_IF.sub("", told, count=1))[:1]
        return named or (category is Category.READ and any(_is_grave(word) for word in said))
    if parameter.default and _is_grave(next(iter(_ITEM.findall(parameter.default.lower())), "")):
        return True
    if parameter.choices and _DONE_AFTER.intersection(parameter.words):
        return any(_is_grave(next(iter(_ITEM.findall(choice.lower())), "")) for choice in parameter.choices)
    return not parameter.choices and bool(_CHOOSES.intersection(parameter.words)) and any(map(_is_grave, _ITEM.findall(told)))


def _is_grave(word: str) -> bool:
    known = verb(word)
    return known is not None and known.category.grave and not known.weak and known.form in (Form.BASE, Form.THIRD)
