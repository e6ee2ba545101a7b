"""The methods files.*: a place to upload to, and sharing what was uploaded."""

from tests.fakes.slack.chat import writable
from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Body, File, Message, Refused


def get_upload_url(workspace: Workspace, args: Body) -> Body:
    """files.getUploadURLExternal; the server adds its own address."""
    try:
        length = int(args.get("length") or 0)
    except ValueError:
        length = 0
    if not args.get("filename") or length <= 0:
        raise Refused("invalid_arguments")
    name = f"F{workspace.number():08d}"
    workspace.files[name] = File(name, str(args["filename"]), length)
    return {"file_id": name, "upload_url": f"/upload/v1/{name}"}


def complete_upload(workspace: Workspace, args: Body) -> Body:
    """files.completeUploadExternal: shares what is there whole, into a channel by its id."""
    told = args.get("files")
    if not isinstance(told, list) or not told:
        raise Refused("invalid_arguments")
    found = [workspace.files.get(str(one.get("id"))) for one in told]
    files = [file for file in found if file is not None and file.content is not None and not file.shared]
    if len(files) != len(told) or any(len(file.content or b"") != file.length for file in files):
        raise Refused("file_not_found")
    target = args.get("channel_id") or (str(args["channels"]).split(",")[0] if args.get("channels") else None)
    if target is not None:
        if target not in workspace.channels:
            raise Refused("invalid_channel" if target in workspace.users else "channel_not_found")
        channel = writable(workspace, {"channel": target})
        message = Message(
            workspace.stamp(),
            str(args.get("initial_comment") or ""),
            [],
            thread_ts=args.get("thread_ts"),
            user=workspace.bot_user,
            args=args,
            files=tuple(file.id for file in files),
        )
        workspace.keep(channel.id, message)
    for file, one in zip(files, told, strict=True):
        file.shared, file.channel, file.title, file.thread_ts = True, target, str(one.get("title") or file.name), args.get("thread_ts")
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


FILES = {"files.getUploadURLExternal": get_upload_url, "files.completeUploadExternal": complete_upload}
