"""From rows to what Slack shows. Reads only.

Law: everything is redacted and made visible here, before anything is drawn: Slack keeps what it is sent, and a channel has many readers.
"""

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from bot.slack import arguments as laid
from bot.slack import changed
from bot.slack.blocks import short, weight
from bot.slack.search import STATES
from bot.slack.shapes import Arguments, Difference, Shown
from workflows import document, redaction
from workflows.calls import JSON, parse_json
from workflows.errors import Malformed
from workflows.queries import RequestView
from workflows.quorum import Choice, counted
from workflows.redaction import NOTHING, Redaction, redact, redact_text, visible
from workflows.states import State
from workflows.tables import ApprovalRequest

MARK = 32  # hex characters
_RISKY = re.compile(r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:delete|drop|destroy|remove|refund|transfer|pay|deploy)(?![a-z])")
_HIGH = frozenset({"High", "Critical"})  # as the catalogue says it
_WORDS, _OUTCOME = 500, 500  # characters of a reason, and of what an upstream said
_NAME = 256  # characters, as Slack counts them, of a tool's name that every place shows whole
_SMALL = 65_536  # bytes; arguments up to this size are kept laid out for the next look
_LARGE = 262_144  # bytes; what is larger takes seconds to lay out, which only those wait for who open it
_MOST_BRIEFS = 1000  # a few kilobytes each
_briefs: OrderedDict[tuple[bytes, str, Redaction], laid.Laid] = OrderedDict()
_briefly = threading.Lock()
_RUN = re.compile(r" {2,}")
_SPACE = re.compile(r"[^\S ]")
_UNKNOWN = "No answer came back that can be trusted. It may have run; Askfirst does not send it again. Look at {server} itself."


def mark(view: RequestView) -> str:
    """Name what a reader judges by; a button carries it, and when it no longer fits, something else was decided on.

    Votes and the version are no part of it: a card that was painted before somebody's vote still counts.
    """
    row = view.request
    told: list[JSON] = [row.id, row.fingerprint, row.rule, row.reason, row.approvers, row.quorum, row.expires_at.isoformat()]
    if row.difference is not None or row.redaction is not None:
        told += [row.difference, row.redaction]
    return redaction.keyed(json.dumps(told), length=MARK)


def shown(view: RequestView, *, team: str, desk_url: str, arguments_in_channel: bool = True, pages: bool = True) -> Shown:
    """Read all that Slack shows of a request. Without `arguments_in_channel` neither arguments nor what an upstream said is in it.

    Without `pages` it has what a card or a list has room for, which is kept for the next look also where the whole is large.
    """
    row, group = view.request, view.group
    choices = {vote.voter: Choice(vote.choice) for vote in view.votes}
    approvals = frozenset(counted(choices, group, row.owner))
    rules = Redaction.read(row.redaction)
    beyond = document.beyond(row.arguments, rules) if row.decision_reason or row.outcome or view.previous else rules
    laid_out = _arguments(row.arguments, rules, pages=pages)
    difference = _difference(row, beside=laid_out.arguments.short if arguments_in_channel else "")
    warnings = laid_out.warnings if arguments_in_channel else laid.unquoted(laid_out.warnings)
    return Shown(
        id=row.id,
        mark=mark(view),
        state=State(row.state),
        server=line(row.server),
        tool=line(row.tool),
        agent=line(row.agent),
        owner=row.owner,
        rule=line(row.rule),
        reason=words(row.reason, rules),
        policy=line(row.policy),
        risk=risk(row),
        high_risk=high_risk(row),
        signals=tuple(line(sentence) for sentence in json.loads(row.signals or "[]")),
        approvers=line(row.approvers),
        able=tuple(sorted(group.eligible(row.owner))) if group else (),
        user_groups=tuple(sorted(group.user_groups)) if group else (),
        approvals=tuple(vote.voter for vote in view.votes if vote.voter in approvals),
        needed=view.needed,
        quorum=row.quorum,
        held_at=row.held_at,
        expires_at=row.expires_at,
        decided_by=tuple(row.decided_by.split(", ")) if row.decided_by else (),
        decided_at=row.decided_at,
        decision_reason=words(row.decision_reason, beyond) if row.decision_reason else None,
        claimed_at=row.claimed_at,
        settled_at=row.settled_at,
        seconds=(row.settled_at - row.claimed_at).total_seconds() if row.settled_at and row.claimed_at else None,
        outcome=_outcome(row, beyond, quote=arguments_in_channel),
        outcome_is_error=row.outcome_is_error or row.outcome_kind in {"error", "not_sent"},
        unattended=row.unattended_at is not None,
        approve_needs_reason=row.reason_required == "always",
        deny_needs_reason=row.reason_required in {"deny", "always"},
        arguments=_all_told(laid_out.arguments if arguments_in_channel else laid.withheld(laid_out.arguments), line(row.tool)),
        warnings=changed.warnings(difference) + warnings,
        desk_url=desk_url,
        team=team,
        previous=_previous(view, beyond),
        difference=difference if arguments_in_channel or difference is None else changed.withheld(difference),
    )


def high_risk(row: ApprovalRequest) -> bool:
    """Tell whether a call looks dangerous: more than one approval is asked for it, or the catalogue says so of its tool.

    Where the catalogue said nothing when it was held, the tool's name may say that the call cannot be taken back.
    """
    return row.quorum > 1 or (row.risk in _HIGH if row.category else _RISKY.search(row.tool) is not None)


def risk(row: ApprovalRequest) -> str:
    """Say how dangerous a call looks: what the catalogue makes of its tool, else whether it looks dangerous."""
    if row.category and row.risk:
        return line(f"{row.category} · {row.risk} risk")
    return "high" if high_risk(row) else "normal"


def line(text: str) -> str:
    """Write a name on one line, where it cannot look like more than a name: line breaks and odd spaces are written out."""
    flat = _SPACE.sub(lambda found: f"\\u{{{ord(found.group()):04X}}}", visible(redact_text(text)))
    return _RUN.sub(lambda found: "␣" * len(found.group()), flat)


def words(text: str, rules: Redaction = NOTHING) -> str:
    """Write what a person wrote as one paragraph, without what the rules hide."""
    return _paragraph(redact_text(text, rules))


def _paragraph(text: str) -> str:
    return short(re.sub(r"\s+", " ", text).strip(), _WORDS)


def _difference(row: ApprovalRequest, *, beside: str) -> Difference | None:
    return None if row.difference is None else _kept_difference(row.difference, beside, redaction.keyed(""))


@lru_cache(maxsize=256)
def _kept_difference(difference: str, beside: str, key: str) -> Difference:  # noqa: ARG001  # see _arguments
    return changed.lay(difference, beside=beside)


def _arguments(raw: bytes, rules: Redaction, *, pages: bool) -> laid.Laid:
    """Lay out arguments; the name of the key is part of the question, because the marks of hidden values depend on it."""
    key = redaction.keyed("")
    if len(raw) <= _SMALL:
        return _kept(raw, key, rules)
    if pages:
        return _kept_large(raw, key, rules)
    return _brief(raw, key, rules) if len(raw) <= _LARGE else laid.unlaid(raw)


def _all_told(arguments: Arguments, tool: str) -> Arguments:
    """Where a name is too long for cards and lists, nobody approves there either: it may differ at its end."""
    if weight(visible(tool)) <= _NAME:
        return arguments
    told = [*([arguments.hidden] if arguments.hidden else []), "the tool's name is longer than what fits here"]
    return replace(arguments, cut=True, hidden=", ".join(told))


def _brief(raw: bytes, key: str, rules: Redaction) -> laid.Laid:
    """Give large arguments without their pages. An agent has many such calls waiting, and every list of them is looked at often."""
    name = (hashlib.sha256(raw).digest(), key, rules)
    with _briefly:
        found = _briefs.get(name)
    if found is None:
        whole = _kept_large(raw, key, rules)
        found = replace(whole, arguments=replace(whole.arguments, text="", pages=()))
        with _briefly:
            _briefs[name] = found
            while len(_briefs) > _MOST_BRIEFS:
                _briefs.popitem(last=False)
    return found


@lru_cache(maxsize=256)
def _kept(raw: bytes, key: str, rules: Redaction) -> laid.Laid:  # noqa: ARG001  # see _arguments
    return laid.lay(raw, rules)


@lru_cache(maxsize=4)
def _kept_large(raw: bytes, key: str, rules: Redaction) -> laid.Laid:  # noqa: ARG001  # see _arguments
    return laid.lay(raw, rules)


def _previous(view: RequestView, rules: Redaction) -> str | None:
    if view.previous is None:
        return None
    reason = f", {words(view.previous.decision_reason, rules)}" if view.previous.decision_reason else ""
    return short(f"The same call came before: {STATES[State(view.previous.state)].lower()}{reason}", 200)


def _outcome(row: ApprovalRequest, rules: Redaction, *, quote: bool) -> str:
    """Say what came of a call. What a tool answered stays out; what went wrong is quoted, short, without what is hidden."""
    if row.state == State.LOST or row.outcome_kind == "unknown":
        return _UNKNOWN.format(server=line(row.server))
    if row.outcome_kind is None:
        return ""
    size = len(row.outcome or b"")
    if row.outcome_kind == "result" and not row.outcome_is_error:
        return f"It answered with {size:,} bytes."
    said = _paragraph(_error(row.outcome or b"", rules)) if quote and size <= _SMALL else ""
    if row.outcome_kind == "not_sent":
        return f"It was not sent, and did not run.{' ' * bool(said)}{said}"
    return said or f"It answered with an error of {size:,} bytes."


def _error(body: bytes, rules: Redaction) -> str:
    """Read what an error says, out of an error object or of a result's texts; what has neither is written as it is. All of it redacted."""
    try:
        told = parse_json(body)
        said = _message(told)
        return redact_text(said, rules) if said is not None else json.dumps(redact(told, rules), ensure_ascii=False)
    except (Malformed, RecursionError):
        return redact_text(body.decode("utf-8", "replace"), rules)


def _message(told: JSON) -> str | None:
    if isinstance(told, str):
        return told
    if isinstance(told, Mapping):
        message, content = told.get("message"), told.get("content")
        if isinstance(message, str):
            return message
        if isinstance(content, list):
            return " ".join(str(part["text"]) for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str))
    return None
