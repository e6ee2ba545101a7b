"""The configuration file, read into one frozen value. Every problem is reported at once; secrets are resolved here and shown nowhere."""

from bot.settings.load import base, load
from bot.settings.problems import SettingProblem, SettingsInvalid
from bot.settings.secret import Secret
from bot.settings.shapes import (
    Address,
    AuditSettings,
    Base,
    DatabaseSettings,
    DeskSettings,
    Forwarded,
    GatewaySettings,
    GrantSettings,
    HttpServer,
    Settings,
    SlackMode,
    SlackSettings,
    StdioServer,
)

__all__ = [
    "Address",
    "AuditSettings",
    "Base",
    "DatabaseSettings",
    "DeskSettings",
    "Forwarded",
    "GatewaySettings",
    "GrantSettings",
    "HttpServer",
    "Secret",
    "SettingProblem",
    "Settings",
    "SettingsInvalid",
    "SlackMode",
    "SlackSettings",
    "StdioServer",
    "base",
    "load",
]
