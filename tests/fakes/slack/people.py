"""The methods about people and the workspace: auth, users, user groups, bots, team."""

from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Body, Refused, User


def auth_test(workspace: Workspace, args: Body) -> Body:
    """auth.test."""
    del args
    return {
        "url": "https://test.slack.com/",
        "team": "Test",
        "user": "askfirst",
        "team_id": workspace.team,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def api_test(workspace: Workspace, args: Body) -> Body:
    """api.test: an error when one is asked for."""
    del workspace
    if "error" in args:
        raise Refused(str(args["error"]), args=args)
    return {"args": args}


def _shown(user: User) -> Body:
    body: Body = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "profile": {"real_name": user.name.title(), "display_name": user.name, "team": user.team},
    }
    if user.deleted:
        return body
    return body | {
        "real_name": user.name.title(),
        "tz": "Etc/UTC",
        "is_admin": False,
        "is_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        **({"is_stranger": True} if user.is_stranger else {}),
    }


def users_info(workspace: Workspace, args: Body) -> Body:
    """users.info: also of those who are gone, who then have no roles."""
    found = workspace.users.get(str(args.get("user")))
    if found is None:
        raise Refused("user_not_found")
    return {"user": _shown(found)}


def users_list(workspace: Workspace, args: Body) -> Body:
    """users.list."""
    del args
    return {"members": [_shown(user) for user in workspace.users.values()], "response_metadata": {"next_cursor": ""}}


def users_lookup_by_email(workspace: Workspace, args: Body) -> Body:
    """users.lookupByEmail: nobody who is gone."""
    found = next((user for user in workspace.users.values() if user.email == args.get("email") and not user.deleted), None)
    if found is None:
        raise Refused("users_not_found")
    return {"user": _shown(found)}


def bots_info(workspace: Workspace, args: Body) -> Body:
    """bots.info: our own."""
    if args.get("bot") != workspace.bot_id:
        raise Refused("bot_not_found")
    return {
        "bot": {"id": workspace.bot_id, "app_id": workspace.app_id, "user_id": workspace.bot_user, "name": "askfirst", "deleted": False}
    }


def team_info(workspace: Workspace, args: Body) -> Body:
    """team.info."""
    del args
    return {"team": {"id": workspace.team, "name": "Test", "domain": "test"}}


def _truth(value: object) -> bool:
    return str(value).lower() in ("1", "true")


def usergroups_list(workspace: Workspace, args: Body) -> Body:
    """usergroups.list."""
    if workspace.free_plan:
        raise Refused("plan_upgrade_required")
    groups = [
        {
            "id": group.id,
            "team_id": workspace.team,
            "is_usergroup": True,
            "name": group.handle.title(),
            "handle": group.handle,
            "date_delete": 1 if group.disabled else 0,
            "user_count": len(group.users),
            **({"users": list(group.users)} if _truth(args.get("include_users")) else {}),
        }
        for group in workspace.user_groups.values()
        if not group.disabled or _truth(args.get("include_disabled"))
    ]
    return {"usergroups": groups}


def usergroups_users_list(workspace: Workspace, args: Body) -> Body:
    """usergroups.users.list."""
    if workspace.free_plan:
        raise Refused("plan_upgrade_required")
    found = workspace.user_groups.get(str(args.get("usergroup")))
    if found is None or (found.disabled and not _truth(args.get("include_disabled"))):
        raise Refused("no_such_subteam")
    return {"users": list(found.users)}


PEOPLE = {
    "auth.test": auth_test,
    "api.test": api_test,
    "users.info": users_info,
    "users.list": users_list,
    "users.lookupByEmail": users_lookup_by_email,
    "bots.info": bots_info,
    "team.info": team_info,
    "usergroups.list": usergroups_list,
    "usergroups.users.list": usergroups_users_list,
}
