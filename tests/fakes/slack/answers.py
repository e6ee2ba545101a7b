"""What Slack does with what came with an ack: views that change or close, errors at fields, options of a menu, words after a command."""

from dataclasses import replace

from tests.fakes.slack import limits
from tests.fakes.slack.chat import whisper
from tests.fakes.slack.elements import OPTION
from tests.fakes.slack.shapes import Problems, listed, plain, shape
from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Answer, Body, Channel, Refused
from tests.fakes.slack.views import made, on_top


def submitted(workspace: Workspace, user: str, view_id: str, answer: Answer) -> Answer:
    """Do what a submission's ack says; `refused` tells why it could not be done."""
    stack = workspace.views[user]
    numbers = [number for number, view in enumerate(stack) if view["id"] == view_id]
    if not answer.acked or not numbers:
        return answer
    [number] = numbers
    try:
        _respond(workspace, stack, number, answer.body)
    except Refused as refused:
        return replace(answer, refused=f"{refused.error} {refused.more or ''}".strip())
    return answer


def _respond(workspace: Workspace, stack: list[Body], number: int, body: Body) -> None:
    view = stack[number]
    match body.get("response_action"):
        case None:
            if body:
                raise Refused("unknown_response", body=body)
            if view.get("clear_on_close"):
                stack.clear()
            del stack[number:]
        case "clear":
            stack.clear()
        case "update":
            stack[number] = made(workspace, limits.view(body.get("view"), "modal"), old=view)
        case "push":
            on_top(workspace, stack, limits.view(body.get("view"), "modal"))
        case "errors":
            _errors(view, body.get("errors"))
        case other:
            raise Refused("unknown_response_action", response_action=other)


def _errors(view: Body, errors: object) -> None:
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not all(isinstance(text, str) and text for text in errors.values()):
        raise Refused("invalid_errors")
    unknown = sorted(errors.keys() - inputs)
    if unknown:
        raise Refused("invalid_errors", unknown_block_ids=unknown)


_OPTIONS = listed(0, 100, OPTION)
_GROUPS = listed(0, 100, shape({"label": plain(75), "options": _OPTIONS}))


def offered(answer: Answer) -> Answer:
    """Check what an external menu was answered."""
    if not answer.acked:
        return answer
    problems = Problems()
    if "option_groups" in answer.body:
        _GROUPS(answer.body["option_groups"], "/option_groups", problems)
    else:
        _OPTIONS(answer.body.get("options"), "/options", problems)
    return replace(answer, refused="; ".join(problems.found))


def commanded(workspace: Workspace, user: str, channel: Channel, answer: Answer) -> Answer:
    """Show what came with a command's ack."""
    if not answer.acked or not (answer.body.get("text") or answer.body.get("blocks")):
        return answer
    try:
        text, blocks = limits.message(answer.body.get("text"), answer.body.get("blocks"), blocks_limit=workspace.blocks_limit)
    except Refused as refused:
        return replace(answer, refused=refused.error)
    whisper(workspace, channel.id, user, text, blocks, args=answer.body)
    return answer
