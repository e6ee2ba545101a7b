"""The one root of every refusal: an error is a sentence with a code, and the docstring of its class is the sentence used by default."""

from typing import ClassVar


class AskfirstError(Exception):
    """Something went wrong inside Askfirst. Look at its log for the place."""

    code: ClassVar[str] = "error"
    keep: bool = False  # what a verb wrote before it refused, its audit row, is committed all the same

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or " ".join((type(self).__doc__ or "").split()))


class Malformed(AskfirstError):
    """The message is not acceptable JSON. Send one object without duplicate keys, NaN or deep nesting."""

    code = "malformed"


class NotFound(AskfirstError):
    """There is no such thing here. Check the id."""

    code = "not_found"


class AlreadySettled(AskfirstError):
    """The request was already settled. Nothing was changed."""

    code = "already_settled"


class NotAllowed(AskfirstError):
    """You may not do this."""

    code = "not_allowed"


class ReasonRequired(AskfirstError):
    """A reason is required here. Say why in a sentence."""

    code = "reason_required"


class BadReason(AskfirstError):
    """The reason is too long. Say it in at most 2,000 characters."""

    code = "bad_reason"


class OutOfDate(AskfirstError):
    """This request changed after what you saw was drawn, so nothing was decided. Look at how it stands now, and decide again."""

    code = "out_of_date"


class Unread(AskfirstError):
    """Not all of the arguments fit here, and you have not opened the rest. Open all of them first; then you can approve."""

    code = "unread"


class IllegalStep(AskfirstError):
    """The request cannot take this step from the state it is in."""

    code = "illegal_step"


class Unmanned(AskfirstError):
    """Nobody can approve this call: its approver group is missing, empty or too small."""

    code = "unmanned"


class TooManyPending(AskfirstError):
    """This agent has too many calls waiting for a decision. Wait for some of them first."""

    code = "too_many_pending"


class UpstreamUnreachable(AskfirstError):
    """The upstream server cannot be reached. Nothing was sent; try again later."""

    code = "upstream_unreachable"


class BadPerson(AskfirstError):
    """A person is written local:NAME or slack:TEAM/USER."""

    code = "bad_person"


class BadName(AskfirstError):
    """A name has 1 to 64 lower-case letters, digits, dots, hyphens and underscores, and begins with a letter or digit."""

    code = "bad_name"


class Taken(AskfirstError):
    """That name is taken. Choose another one."""

    code = "taken"


class BadGroup(AskfirstError):
    """A group like this could not decide anything. Name its people, and ask for no more approvals than they can give."""

    code = "bad_group"


class GroupChanged(AskfirstError):
    """Somebody changed this group after you opened it, so nothing was saved. Open it again, and make your change to how it is now."""

    code = "group_changed"


class DatabaseBusy(AskfirstError):
    """Another Askfirst is serving from this database. Stop it first, or give this one a database of its own."""

    code = "database_busy"


class DatabaseUnusable(AskfirstError):
    """The database cannot be used. Check its URL, that it runs, and that its directory can be written."""

    code = "database_unusable"


class TokenRefused(AskfirstError):
    """The token or link is unknown, used or expired. Ask for a new one."""

    code = "token_refused"
