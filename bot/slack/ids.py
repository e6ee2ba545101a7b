"""Every id by which Slack tells us what somebody touched, and what a button carries: a request and a mark of what was seen. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """The action_id of every button and menu."""

    APPROVE = "af_approve"
    APPROVE_WITH = "af_approve_with"  # opens the comment modal
    DENY = "af_deny"
    CHANGES = "af_changes"
    ARGUMENTS = "af_args"
    REVIEW = "af_review"  # the same modal, where Approve stands on its last page
    PREVIOUS = "af_prev"
    NEXT = "af_next"
    FILE = "af_file"
    OPEN = "af_open"  # a row of the Home: opens the request in a modal
    LINK = "af_link"  # any button with a URL
    TAB = "af_tab"  # af_tab.NAME
    OLDER = "af_older"
    NEWER = "af_newer"
    SEARCH = "af_search"  # opens the filters
    CLEAR = "af_clear"
    GROUP_NEW = "af_group_new"
    GROUP_EDIT = "af_group_edit"
    GROUP_DELETE = "af_group_delete"
    USER_GROUPS = "af_user_groups"  # the external select of the group editor


class Callback(StrEnum):
    """The callback_id of every view."""

    HOME = "af_home"
    FULL = "af_full"
    DENY = "af_deny_submit"
    CHANGES = "af_changes_submit"
    APPROVE = "af_approve_submit"
    SEARCH = "af_search_submit"
    GROUP = "af_group_save"
    GROUP_DELETE = "af_group_remove"
    TOLD = "af_told"


SCOPES = (
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "usergroups:read",
    "users:read",
)
METADATA = "askfirst_delivery"  # event_type of a message's metadata; its payload is {"delivery": the delivery's id}

_VALUE = re.compile(r"r:(apr_[0-9a-f]{1,36}):([0-9a-f]{12,64})")


@dataclass(frozen=True, slots=True)
class Touched:
    """What a button is about: the request, and the mark of what its reader saw (`facts.mark`)."""

    request_id: str
    mark: str

    @property
    def value(self) -> str:
        """Write it as a button's value."""
        return f"r:{self.request_id}:{self.mark}"


def touched(value: object) -> Touched | None:
    """Read a button's value; None for what no card of ours carries."""
    found = _VALUE.fullmatch(value) if isinstance(value, str) else None
    return Touched(found[1], found[2]) if found else None
