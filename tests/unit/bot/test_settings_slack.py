"""The section [slack]: each key does what it says, and every mistake is a problem with a remedy that shows no secret."""

from pathlib import Path

import pytest

from bot.settings import Address, SlackMode, load
from tests.unit.bot.configs import APP_TOKEN, BOT_TOKEN, ENVIRONMENT, FULL, SIGNING_SECRET, only, problems, read

SLACK = '[slack]\nchannel = "#agent-approvals"\n'


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ENVIRONMENT.items() if name not in names}


def test_without_the_section_there_is_no_slack(tmp_path: Path) -> None:
    """Nothing in the environment switches Slack on."""
    assert read(tmp_path, "").slack is None


def test_a_channel_is_all_that_has_to_be_written(tmp_path: Path) -> None:
    """Socket Mode, the public API, the two tokens from their variables, and nobody administers groups."""
    slack = read(tmp_path, SLACK, environment=_without("SLACK_SIGNING_SECRET")).slack
    assert slack is not None
    assert (slack.mode, slack.channel, slack.fallback_channel) == (SlackMode.SOCKET, "#agent-approvals", None)
    assert (slack.api_url, slack.command, slack.listen) == ("https://slack.com/api/", "/askfirst", Address("127.0.0.1", 8082))
    assert slack.bot_token.reveal() == BOT_TOKEN
    assert slack.app_token is not None
    assert slack.app_token.reveal() == APP_TOKEN
    assert slack.signing_secret is None
    assert (slack.admins, slack.arguments) == (frozenset(), True)


def test_http_mode_needs_the_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    """Each mode asks for what it uses, and for nothing else."""
    slack = read(tmp_path, SLACK + 'mode = "http"\n', environment=_without("SLACK_APP_TOKEN")).slack
    assert slack is not None
    assert slack.app_token is None
    assert slack.signing_secret is not None
    assert slack.signing_secret.reveal() == SIGNING_SECRET


def test_the_full_sample_is_read() -> None:
    """Every key of the section, none with its default."""
    slack = load(FULL, ENVIRONMENT).slack
    assert slack is not None
    assert (slack.mode, slack.channel, slack.fallback_channel) == (SlackMode.HTTP, "#agent-approvals", "C02FALLBACK")
    assert slack.api_url == "https://slack-gov.com/api/"
    assert slack.admins == {"slack:T01TEST/U01CAROL"}
    assert (slack.listen.port, slack.command, slack.arguments) == (9082, "/ask-gov", False)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("[slack]\n", "slack.channel", "It is missing"),
        ('[slack]\nchannel = "agent approvals"\n', "slack.channel", "such as"),
        (SLACK + 'fallback_channel = "#a b"\n', "slack.fallback_channel", "such as"),
        (SLACK + 'mode = "sockets"\n', "slack.mode", 'write "socket" or "http"'),
        (SLACK + 'api_url = "http://slack.example.com/api/"\n', "slack.api_url", "https://"),
        (SLACK + 'api_url = "nowhere"\n', "slack.api_url", "write a URL"),
        (SLACK + 'admins = ["carol"]\n', "slack.admins[0]", "slack:TEAM/USER"),
        (SLACK + 'command = "askfirst"\n', "slack.command", "such as"),
        (SLACK + 'listen = "8082"\n', "slack.listen", "host:port"),
        (SLACK + f'bot_token = "{BOT_TOKEN}"\n', "slack.bot_token", "A secret does not stand in this file"),
        (SLACK + 'bot_token = "env:SLACK_APP_TOKEN"\n', "slack.bot_token", "does not begin with xoxb-"),
        (SLACK + 'app_token = "env:SLACK_BOT_TOKEN"\n', "slack.app_token", "does not begin with xapp-"),
        (SLACK + 'app_token = "env:NOT_SET"\n', "slack.app_token", "is not set"),
        (SLACK + 'mode = "http"\nsigning_secret = "env:NOT_SET"\n', "slack.signing_secret", "is not set"),
        (SLACK + 'token = "x"\n', "slack.token", "There is no such key"),
    ],
)
def test_a_mistake_is_a_problem_with_a_remedy(tmp_path: Path, text: str, key: str, message: str) -> None:
    """One sentence that says where and what to write; never the secret itself."""
    problem = only(problems(tmp_path, text))
    assert problem.path == key
    assert message in problem.message
    assert BOT_TOKEN not in str(problem)


def test_tokens_may_stand_in_files(tmp_path: Path) -> None:
    """`file:` is read relative to the configuration."""
    slack = read(tmp_path, SLACK + 'bot_token = "file:bot.token"\n', {"bot.token": BOT_TOKEN + "\n"}).slack
    assert slack is not None
    assert slack.bot_token.reveal() == BOT_TOKEN
