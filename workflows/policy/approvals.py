"""How a held call is decided: the keys of `approval` at the top, and of each rule in `require_approval`, which override them one by one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from workflows.calls import JSON
from workflows.policy.advice import did_you_mean
from workflows.policy.paths import kind
from workflows.policy.shapes import Hold, ReasonRequired, Report, pointer

MEANS: Final[Mapping[str, str]] = {
    "approvers": "The approver group whose members decide.",
    "quorum": "How many of them must approve.",
    "expires_in": "How long they have, from 10s to 30d.",
    "remind_every": "How often they are reminded, from 10s to 30d.",
    "channel": "Where the card goes.",
    "reason": "Why they are asked: people and the agent see it.",
    "reason_required": "Which votes must say why.",
}

KEYS: Final = frozenset(MEANS)

DEFAULT_EXPIRES_IN: Final = timedelta(minutes=30)
SHORTEST: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(days=30)
LARGEST_QUORUM: Final = 100
LONGEST_NAME: Final = 200
LONGEST_SENTENCE: Final = 2_000

DURATION: Final = re.compile(r"(?:([0-9]{1,8})d)?(?:([0-9]{1,8})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,8})s)?")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one place says about a decision; None where it says nothing. `named` tells whether it names approvers at all, rightly or not."""

    approvers: str | None = None
    quorum: int | None = None
    expires_in: timedelta | None = None
    remind_every: timedelta | None = None
    channel: str | None = None
    reason: str | None = None
    reason_required: ReasonRequired | None = None
    named: bool = False


def duration(text: str) -> timedelta | None:
    """Read "30m", "1h30m", "45s" or "2d"; None when it is written in another way."""
    match = DURATION.fullmatch(text)
    if match is None or not text:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def terms(value: Mapping[str, JSON], at: str, report: Report) -> Terms:
    """Read the keys of this module from an object that stands at the pointer `at`."""
    return Terms(
        approvers=_name(value, at, report, "approvers"),
        quorum=_quorum(value, at, report),
        expires_in=_span(value, at, report, "expires_in"),
        remind_every=_span(value, at, report, "remind_every"),
        channel=_name(value, at, report, "channel"),
        reason=sentence(value, at, report, "reason"),
        reason_required=_reason_required(value, at, report),
        named="approvers" in value,
    )


def hold(own: Terms, general: Terms, at: str, report: Report, *, reason: str) -> Hold | None:
    """Put together how a call is held; one without approvers is a problem, because nobody could ever decide it."""
    approvers = own.approvers or general.approvers
    if approvers is None:
        if not (own.named or general.named):
            report(
                at,
                'This holds calls and names no approvers: write "approval": {"approvers": "GROUP"} at the top, or "approvers" here.',
            )
        return None
    return Hold(
        approvers=approvers,
        quorum=own.quorum or general.quorum or 1,
        expires_in=own.expires_in or general.expires_in or DEFAULT_EXPIRES_IN,
        remind_every=own.remind_every or general.remind_every,
        channel=own.channel or general.channel,
        reason=own.reason or general.reason or reason,
        reason_required=(own.reason_required or general.reason_required or ReasonRequired.NEVER).value,
    )


def sentence(value: Mapping[str, JSON], at: str, report: Report, key: str) -> str | None:
    """Read text for people or the agent, at most 2,000 characters; empty text says nothing."""
    if key not in value:
        return None
    text = value[key]
    if not isinstance(text, str):
        report(pointer(at, key), f"{key} is a sentence in quotes, and this is {kind(text)}.")
        return None
    if len(text) > LONGEST_SENTENCE:
        report(pointer(at, key), f"{key} is longer than {LONGEST_SENTENCE:,} characters: say it shorter.")
    return text.strip() or None


def _name(value: Mapping[str, JSON], at: str, report: Report, key: str) -> str | None:
    if key not in value:
        return None
    text = value[key]
    if isinstance(text, str) and text.strip() == text and 0 < len(text) <= LONGEST_NAME:
        return text
    example = "the name of one approver group" if key == "approvers" else 'a channel, like "#agent-approvals"'
    found = kind(text) if not isinstance(text, str) else "empty, too long, or has spaces around it"
    report(pointer(at, key), f"{key} is {example}, and this is {found}.")
    return None


def _quorum(value: Mapping[str, JSON], at: str, report: Report) -> int | None:
    count = value.get("quorum", 1)
    if type(count) is int and 1 <= count <= LARGEST_QUORUM:
        return count if "quorum" in value else None
    report(pointer(at, "quorum"), f"quorum is how many people must approve: write a whole number from 1 to {LARGEST_QUORUM}.")
    return None


def _span(value: Mapping[str, JSON], at: str, report: Report, key: str) -> timedelta | None:
    if key not in value:
        return None
    text = value[key]
    span = duration(text) if isinstance(text, str) else None
    if span is None or not SHORTEST <= span <= LONGEST:
        report(pointer(at, key), f'{key} is a time from 10s to 30d: write it like "30m", "1h30m" or "45s".')
        return None
    return span


def _reason_required(value: Mapping[str, JSON], at: str, report: Report) -> ReasonRequired | None:
    if "reason_required" not in value:
        return None
    choice = value["reason_required"]
    known = [each.value for each in ReasonRequired]
    if isinstance(choice, str) and choice in known:
        return ReasonRequired(choice)
    guess = did_you_mean(choice, known) if isinstance(choice, str) else ""
    report(pointer(at, "reason_required"), f'reason_required is "never", "deny" or "always"{guess}')
    return None
