"""Turns of phrase that say more than a verb does: no undo, only a status, only reading."""

import re
from typing import Final

LONGEST_READ: Final = 4_000

NO_UNDO: Final = re.compile(
    r"\b(?:can(?:not|['\u2019]t| not) be (?:undone|reversed|recovered|restored)|(?:is|are) (?:irreversible|not (?:reversible|recoverable))"
    r"|irreversibl[ey]|(?:no|without any|without) (?:undo|way back)\b|permanent(?:ly)? (?:\w+ )?(?:delet|remov|eras|destr|wip|purg|los)\w*"
    r"|all (?:\w+ ){0,3}data will be (?:lost|deleted|erased)|(?<![\w-])destructive (?:operation|action|tool))|\[DESTRUCTIVE\b",
    re.IGNORECASE,
)
_LOSES: Final = re.compile(r"permanent|all |destructive|\[destructive", re.IGNORECASE)
_DENIES: Final = re.compile(
    r"\b(?:not?|non|never|isn['\u2019]t|avoids?|blocks?|prevents?|rejects?|refuses?|forbids?|without(?: any)?)[ -](?:a |an )?$",
    re.IGNORECASE,
)
WRITES: Final = re.compile(
    r"\[(?:WRITE|MUTAT\w+|MODIF\w+)\b[^\]]{0,20}\]|\b(?:[Tt]his|It) WRITES\b|\bWRITE (?:operation|tool)\b|\bmodifies data\b"
)
ONLY_STATUS: Final = re.compile(
    r"\b(?:sets?|changes?|updates?|marks?|moves?|flags?)\b[^.]{0,60}?\b(?:to|as) [\"'`]?"
    r"(?:cancel\w*|void\w*|inactive|archived|expired|closed)",
    re.IGNORECASE,
)
GUIDES: Final = re.compile(
    r"\b(?:provides?|returns?|gets?|gives?|shows?|offers?) (?:you )?(?:\w+ ){0,3}(?:instructions|guidance|guidelines|best practices)\b",
    re.IGNORECASE,
)
PAYS_ITSELF: Final = re.compile(
    r"\b(?:with|using|via) (?:automatic|x402) payments?\b|\bcosts? (?:are |is )?paid\b|\b(?:automatically pays|pays automatically)\b",
    re.IGNORECASE,
)
SAVES: Final = re.compile(
    r"\b(?:to|into|in) (?:an? |the |your )?(?:local (?:file|path|disk|directory|folder)|disk\b|file system|filesystem)"
    r"|\blocal (?:file )?path\b|\bsaves? (?:it |them )?(?:in)?to\b|\bsaved (?:in|to|into)\b",
    re.IGNORECASE,
)
_OFFERS: Final = re.compile(r"\b(?:operation|action|mode)\b[^(\n]{0,40}\(([^()\n]{3,400})\)", re.IGNORECASE)
_QUOTED: Final = re.compile(r"[\"'`]([A-Za-z][A-Za-z_]{1,40})[\"'`]")
READ_ONLY: Final = re.compile(
    r"(?<!in )\bread[- ]?only\b(?! (?:mode|flag|is|unless)\b)"
    r"|\b(?:only|just) SELECT\b|\bSELECT(?: \w+)? (?:only|quer(?:y|ies)|statements?)\b"
    r"|\b(?:SOQL|PromQL|LogQL|MetricsQL|GAQL|KQL|JQL|NRQL|SPARQL)\b"
    r"|\bno (?:writes|modifications|mutations|changes)\b|\b(?:does|will|do) not (?:modify|change|alter|write)\b"
    r"|\bwithout (?:sending|submitting|broadcasting|signing) (?:an? |any |the )?transactions?\b"
    r"|\bread calls?\b|\bview functions?\b|\beth_call\b",
    re.IGNORECASE,
)


def no_undo(text: str, *, kept: bool = False) -> str | None:
    """Give the words that say that there is no way back, unless they are denied; where nothing is lost (`kept`), only those of a loss."""
    for match in NO_UNDO.finditer(text[:LONGEST_READ]):
        if kept and not _LOSES.match(match[0]):
            continue
        if not _DENIES.search(text[max(match.start() - 14, 0) : match.start()]):
            return match[0]
    return None


def first(pattern: re.Pattern[str], text: str) -> str | None:
    """Give the first words of a text that a pattern finds."""
    found = pattern.search(text[:LONGEST_READ])
    return found[0].strip() if found else None


def offered(text: str) -> tuple[str, ...]:
    """Give the choices that a description lists for its operation: `action (one of "list", "get")`."""
    found = _OFFERS.search(text[:LONGEST_READ])
    return tuple(_QUOTED.findall(found[1])) if found else ()
