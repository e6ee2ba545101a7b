"""The demo's upstream: a small real MCP server with customers in memory. It prints one JSON line for each effect it has.

Run it as `python -m bot.demo.server PORT`.
"""

import asyncio
import json
import socket
import sys
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

_CUSTOMERS = {
    "cus_ada": {"name": "Ada Lovelace", "paid": 48_000},
    "cus_blaise": {"name": "Blaise Pascal", "paid": 12_500},
    "cus_emmy": {"name": "Emmy Noether", "paid": 99_900},
}


def _effect(tool: str, text: str) -> str:
    print(json.dumps({"effect": tool, "text": text}), flush=True)
    return text


def _known(customers: dict[str, dict[str, Any]], customer: str) -> dict[str, Any]:
    if customer not in customers:
        raise ToolError(f"There is no customer {customer}. list_customers names them all.")
    return customers[customer]


def build() -> MCPServer[Any]:
    """Make the server with its own copy of the customers."""
    customers = {key: dict(value) for key, value in _CUSTOMERS.items()}
    server: MCPServer[Any] = MCPServer("payments", version="1", log_level="ERROR")
    customer_id = Annotated[str, Field(description="The customer's id, such as cus_ada.")]

    @server.tool(description="List all customers with what they paid, in cents.", structured_output=False)
    async def list_customers() -> str:
        return _effect("list_customers", ", ".join(f"{key} ({value['name']}, {value['paid']})" for key, value in customers.items()))

    @server.tool(description="Pay money back to a customer.", structured_output=False)
    async def create_refund(customer: customer_id, amount: Annotated[int, Field(gt=0, description="In cents.")]) -> str:
        row = _known(customers, customer)
        row["paid"] -= amount
        return _effect("create_refund", f"refunded {amount} cents to {row['name']}")

    @server.tool(description="Delete a customer and everything about them.", structured_output=False)
    async def delete_customer(customer: customer_id) -> str:
        row = _known(customers, customer)
        del customers[customer]
        return _effect("delete_customer", f"deleted {row['name']}")

    @server.tool(description="Keep a market data stream alive for another 60 minutes.", structured_output=False)
    async def binance_us_keepalive_listen_key(listen_key: Annotated[str, Field(description="The stream's key.")]) -> str:
        return _effect("binance_us_keepalive_listen_key", f"stream {listen_key} stays open for 60 minutes")

    return server


async def serve(port: int) -> None:
    """Serve on http://127.0.0.1:PORT/mcp until a signal ends it; prints a JSON line when it listens."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        app = build().streamable_http_app()
        http = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none"))
        print(json.dumps({"listening": f"http://127.0.0.1:{port}/mcp"}), flush=True)
        await http.serve(sockets=[listener])


if __name__ == "__main__":
    try:
        asyncio.run(serve(int(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
