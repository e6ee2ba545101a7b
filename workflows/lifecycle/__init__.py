"""The verbs that move a request: one function, one transaction, one audit row each.

By phase: `admission` (hold, join, attach, leave, hand off, collect), `voting` (vote, cancel), `clock` (expire, abandon, remind),
`releasing` (claim, finish, reap), `changing` (observe: a tool's definition changed).
A row moves only in `moves.move`, and only from where it was seen.
"""

from workflows.lifecycle.admission import Held, argument_detail, attach, collect, hand_off, hold, join, leave
from workflows.lifecycle.changing import observe
from workflows.lifecycle.clock import GRACE, abandon, expire, orphan, remind
from workflows.lifecycle.releasing import Fresh, Outcome, claim, finish, reap, stored_call, void
from workflows.lifecycle.voting import cancel, refuse, vote
from workflows.quorum import Choice

__all__ = [
    "GRACE",
    "Choice",
    "Fresh",
    "Held",
    "Outcome",
    "abandon",
    "argument_detail",
    "attach",
    "cancel",
    "claim",
    "collect",
    "expire",
    "finish",
    "hand_off",
    "hold",
    "join",
    "leave",
    "observe",
    "orphan",
    "reap",
    "refuse",
    "remind",
    "stored_call",
    "void",
    "vote",
]
