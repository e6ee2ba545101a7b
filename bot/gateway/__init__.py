"""The face for agents: who is calling, what is asked, and forward, refuse or hold. It relays bytes and decides nothing by itself."""

from bot.gateway.context import GatewayContext
from bot.gateway.definitions import ToolLists
from bot.gateway.server import build

__all__ = ["GatewayContext", "ToolLists", "build"]
