"""The command `askfirst`. It translates words into verbs; every refusal is one line on standard error, never a traceback.

Exit codes: 0 done, 1 refused or a problem found, 2 the command was not understood, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import typer

from bot.cli import audit, checking, demo, desk, doctor, explain, grants, groups, policy, requests, scan, serve, setup, simulate
from bot.cli.output import one_line
from workflows.errors import AskfirstError

REFUSED, MISUSED, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="askfirst",
    help="An MCP gateway that asks people first.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("init", short_help="Write a first configuration and policy.")(setup.init)
app.command("check", short_help="Say everything that is wrong.")(checking.check)
app.command("explain", short_help="Say what a policy answers to a call, and why.")(explain.command)
app.command("simulate", short_help="Replay recorded calls against a changed policy.")(simulate.simulate)
app.command("scan", short_help="Say what a server's tools do, and write a policy for them.")(scan.scan)
app.command("doctor", short_help="Look whether everything works.")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("demo", short_help="Show everything at once.")(demo.demo)
app.add_typer(requests.app, name="requests")
app.add_typer(grants.app, name="grants")
app.add_typer(groups.app, name="groups")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(desk.app, name="desk")


def run(words: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=list(words), prog_name="askfirst", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as misuse:
        return _misused(misuse)
    except AskfirstError as refusal:
        return _refused(str(refusal), refusal.code)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _let_go_of_output()
        return REFUSED
    except Exception as error:
        if os.environ.get("ASKFIRST_DEBUG"):
            raise
        return _refused(
            f"Something went wrong inside Askfirst ({type(error).__name__}). Set ASKFIRST_DEBUG=1 to see where.", AskfirstError.code
        )
    return code if isinstance(code, int) else 0


def _refused(sentence: str, code: str) -> int:
    print(f"askfirst: {one_line(sentence)} [{code}]", file=sys.stderr)
    return REFUSED


def _misused(misuse: typer.TyperException) -> int:
    sentence = str(getattr(misuse, "format_message", misuse.__str__)())
    context = getattr(misuse, "ctx", None)
    path = getattr(context, "command_path", "askfirst")
    if type(misuse).__name__ == "NoArgsIsHelpError":
        print(sentence, file=sys.stderr)
    else:
        print(f"askfirst: {one_line(sentence).rstrip('.')}. `{path} --help` shows how. [usage]", file=sys.stderr)
    return int(getattr(misuse, "exit_code", MISUSED))


def _let_go_of_output() -> None:
    """Nobody reads any more: what is left in the buffer goes nowhere, silently."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def main() -> None:
    """Be the command `askfirst`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
