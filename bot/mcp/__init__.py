"""MCP messages, read and written: pure, no I/O; the gateway and the upstream client both stand on it."""

from bot.mcp.answers import (
    EVENT_STREAM_HEADERS,
    KEEPALIVE,
    denied,
    error,
    error_object,
    event,
    notification,
    pending,
    progress,
    result,
    text_result,
    tool_result,
)
from bot.mcp.eras import LATEST_LEGACY, LATEST_MODERN, LEGACY_VERSIONS, MODERN_VERSIONS, Era
from bot.mcp.listing import LONGEST_KEY, Listing, Unfilterable, filter_tools, list_mark, lists_tools, may_list_tools, read_list
from bot.mcp.messages import Call, Kind, Message, MessageId, Refused, parse
from bot.mcp.sse import Decoder, Event, EventTooLarge

__all__ = [
    "EVENT_STREAM_HEADERS",
    "KEEPALIVE",
    "LATEST_LEGACY",
    "LATEST_MODERN",
    "LEGACY_VERSIONS",
    "LONGEST_KEY",
    "MODERN_VERSIONS",
    "Call",
    "Decoder",
    "Era",
    "Event",
    "EventTooLarge",
    "Kind",
    "Listing",
    "Message",
    "MessageId",
    "Refused",
    "Unfilterable",
    "denied",
    "error",
    "error_object",
    "event",
    "filter_tools",
    "list_mark",
    "lists_tools",
    "may_list_tools",
    "notification",
    "parse",
    "pending",
    "progress",
    "read_list",
    "result",
    "text_result",
    "tool_result",
]
