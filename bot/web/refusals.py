"""What the desk itself refuses, and which HTTP status each refusal has."""

from workflows.errors import AskfirstError


class Forged(AskfirstError):
    """This form did not come from this page of the desk, so nothing was done. Go back, reload, and try again."""

    code = "forged"


class WrongPlace(AskfirstError):
    """The desk does not answer under this name. Open it at its own address, or set public_url in the configuration."""

    code = "wrong_place"


class TooManyTries(AskfirstError):
    """There were too many failed tries from here. Wait a minute, then try again."""

    code = "too_many_tries"


STATUS = {
    "already_settled": 409,
    "bad_person": 400,
    "bad_reason": 422,
    "database_busy": 503,
    "database_unusable": 503,
    "forged": 403,
    "illegal_step": 409,
    "lost_race": 409,
    "malformed": 400,
    "not_allowed": 403,
    "not_found": 404,
    "out_of_date": 409,
    "reason_required": 422,
    "token_refused": 401,
    "too_many_tries": 429,
    "wrong_place": 421,
}


def status(refusal: AskfirstError) -> int:
    """The HTTP status of a refusal; one that has none of its own is our fault."""
    return STATUS.get(refusal.code, 500)
