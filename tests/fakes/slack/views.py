"""The methods views.*, and the stack of modals that each person has."""

from tests.fakes.slack import limits
from tests.fakes.slack.chat import with_ids
from tests.fakes.slack.inputs import initial_state
from tests.fakes.slack.state import Workspace
from tests.fakes.slack.text import escaped_blocks
from tests.fakes.slack.values import Body, Refused

DEEPEST = 3  # modals on a stack
_TRIGGER_SECONDS = 3.0


def _take(workspace: Workspace, args: Body) -> str:
    """Use up a trigger_id; gives whose it is."""
    if not args.get("trigger_id"):
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: trigger_id"]})
    trigger = workspace.triggers.get(str(args["trigger_id"]))
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if (workspace.now - trigger.at).total_seconds() > _TRIGGER_SECONDS:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger.user


def made(workspace: Workspace, value: Body, *, old: Body | None = None, root: str | None = None, previous: str | None = None) -> Body:
    """Make a view as Slack keeps it: with an id, a hash and the state of its fields. `old` is what it replaces."""
    name = old["id"] if old else f"V{workspace.number():08d}"
    value = {**value, "blocks": with_ids(workspace, value["blocks"])}
    kept = old["state"]["values"] if old else {}
    values = {
        block: {action: kept.get(block, {}).get(action, initial) for action, initial in actions.items()}
        for block, actions in initial_state(value).items()
    }
    view: Body = {
        "id": name,
        "team_id": workspace.team,
        "app_id": workspace.app_id,
        "app_installed_team_id": workspace.team,
        "bot_id": workspace.bot_id,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "title": None,
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
        "root_view_id": old["root_view_id"] if old else root or name,
        "previous_view_id": old["previous_view_id"] if old else previous,
        **value,
        "hash": f"{int(workspace.now.timestamp())}.{workspace.number():08x}",
        "state": {"values": values},
    }
    workspace.seen_views[name].append(view)
    return view


def written(view: Body) -> Body:
    """Write a view as Slack gives it back."""
    return {**view, "blocks": escaped_blocks(view["blocks"])}


def _free(workspace: Workspace, value: Body, but: str | None = None) -> None:
    taken = [one for stack in workspace.views.values() for one in stack if one["id"] != but]
    if value.get("external_id") and any(one["external_id"] == value["external_id"] for one in taken):
        raise Refused("duplicate_external_ref")


def open_(workspace: Workspace, args: Body) -> Body:
    """views.open: a modal, in the place of any stack before it."""
    value = limits.view(args.get("view"), "modal")
    _free(workspace, value)
    view = made(workspace, value)
    workspace.views[_take(workspace, args)] = [view]
    return {"view": written(view)}


def push(workspace: Workspace, args: Body) -> Body:
    """views.push: on top of the person's stack, three at most."""
    value = limits.view(args.get("view"), "modal")
    _free(workspace, value)
    stack = workspace.views[_take(workspace, args)]
    return {"view": written(on_top(workspace, stack, value))}


def on_top(workspace: Workspace, stack: list[Body], value: Body) -> Body:
    """Push a view."""
    if len(stack) >= DEEPEST:
        raise Refused("push_limit_reached")
    if not stack:
        raise Refused("not_found")
    view = made(workspace, value, root=stack[0]["id"], previous=stack[-1]["id"])
    stack.append(view)
    return view


def update(workspace: Workspace, args: Body) -> Body:
    """views.update: by id or external_id, one that is open; a hash that is not the newest conflicts."""
    found = [
        (stack, number)
        for stack in workspace.views.values()
        for number, one in enumerate(stack)
        if one["id"] == args.get("view_id") or (args.get("external_id") and one["external_id"] == args["external_id"])
    ]
    if not found:
        raise Refused("not_found")
    [(stack, number)] = found
    old = stack[number]
    value = limits.view(args.get("view"), "modal")
    if args.get("hash") and args["hash"] != old["hash"]:
        raise Refused("hash_conflict", view=written(old))
    _free(workspace, value, but=old["id"])
    stack[number] = made(workspace, value, old=old)
    return {"view": written(stack[number])}


def publish(workspace: Workspace, args: Body) -> Body:
    """views.publish: somebody's Home; a hash that is not the newest conflicts."""
    user = str(args.get("user_id"))
    person = workspace.users.get(user)
    if person is None or person.is_bot or person.deleted:
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] no such user [json-pointer:/user_id]"]})
    value = limits.view(args.get("view"), "home")
    old = workspace.homes.get(user)
    if args.get("hash") and old is not None and args["hash"] != old["hash"]:
        raise Refused("hash_conflict", view=written(old))
    workspace.homes[user] = made(workspace, value, old=old)
    return {"view": written(workspace.homes[user])}


def validate(workspace: Workspace, args: Body) -> Body:
    """blocks.validate: what would be refused, and nothing else."""
    if args.get("view") is not None:
        view = args["view"]
        found = limits.view_problems(view, "home" if isinstance(view, dict) and view.get("type") == "home" else "modal")
    else:
        told = args.get("message") or {"blocks": args.get("blocks")}
        try:
            limits.message(told.get("text"), told.get("blocks"), blocks_limit=workspace.blocks_limit)
            found = []
        except Refused as refused:
            found = refused.more.get("errors") or [refused.error]  # type: ignore[assignment]  # put there as a list of sentences
    if found:
        raise Refused("invalid_blocks", errors=[{"message": each} for each in found])
    return {}


VIEWS = {
    "views.open": open_,
    "views.push": push,
    "views.update": update,
    "views.publish": publish,
    "blocks.validate": validate,
}
