"""A Slack to test against: `FakeSlack`, a real server that behaves as Slack does and refuses what Slack refuses."""

from tests.fakes.slack.inputs import NotPossible
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.values import Answer, Body, Call, Message, User

__all__ = ["Answer", "Body", "Call", "FakeSlack", "Message", "NotPossible", "User"]
