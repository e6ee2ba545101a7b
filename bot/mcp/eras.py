"""The protocol's two eras, its versions and its error codes: the numbers of the wire, in one place."""

from enum import StrEnum
from typing import Final


class Era(StrEnum):
    """How a message is spoken: LEGACY opens a session with `initialize`, MODERN carries its envelope in every request."""

    LEGACY = "legacy"
    MODERN = "modern"


LEGACY_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS: Final = ("2026-07-28",)
LATEST_LEGACY: Final = LEGACY_VERSIONS[-1]
LATEST_MODERN: Final = MODERN_VERSIONS[-1]

PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"
SUBSCRIPTION_ID: Final = "io.modelcontextprotocol/subscriptionId"
REQUEST_ID: Final = "io.askfirst/request-id"  # in `_meta` of a released call: an upstream that honours it runs a request once

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

# Askfirst's own, outside of what JSON-RPC and MCP reserve.
UPSTREAM_UNREACHABLE: Final = -31001
UPSTREAM_UNKNOWN: Final = -31002
UPSTREAM_ASKS: Final = -31003
UPSTREAM_UNREADABLE: Final = -31004

_STATUS: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}


def http_status(code: int) -> int:
    """Give the HTTP status that carries a JSON-RPC error code when it is the whole answer."""
    return _STATUS.get(code, 200)
