"""What the desk serves, and that it serves nothing else."""

import re

from bot.web.server import build
from tests.fakes.desk import Desk, Visitor

_CHANGING = {
    "/requests/{id}/approve",
    "/requests/{id}/deny",
    "/requests/{id}/cancel",
    "/sign-in",
    "/sign-out",
    "/api/requests/{id}/approve",
    "/api/requests/{id}/deny",
    "/api/requests/{id}/cancel",
}


async def test_nothing_but_these_addresses_can_change_anything(desk: Desk) -> None:
    """Every other one takes GET and HEAD alone."""
    app = build(desk.context)
    changing = {route.resource.canonical for route in app.router.routes() if route.method not in {"GET", "HEAD"} and route.resource}
    assert changing == _CHANGING


async def test_opening_every_address_changes_nothing(desk: Desk, alice: Visitor) -> None:
    """No GET writes to the database, not even to the trail."""
    request_id = await desk.hold()
    before = await desk.pulse()
    for route in build(desk.context).router.routes():
        if route.method == "GET" and route.resource:
            path = route.resource.canonical.replace("{id}", request_id)
            for verb in ("approve", "deny", "cancel"):
                await alice.get(f"{path.replace('{verb}', verb)}?token=x&reason=y&seen=z&csrf=c")
    assert await desk.pulse() == before
    assert (await desk.row(request_id)).state == "pending"


async def test_the_style_and_the_script_are_ours_and_kept_by_the_browser(alice: Visitor) -> None:
    """Their address changes with them, so they may be kept for ever; nobody has to sign in for them."""
    page = await alice.get("/")
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        asset = await alice.get(address)
        assert asset.status == 200
        assert "immutable" in asset.headers["Cache-Control"]
        assert asset.headers["Content-Security-Policy"]
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|@font-face|eval\(", asset.text)
    assert (await alice.get("/static/../server.py")).status == 404
    assert (await alice.get("/static/%2e%2e/server.py")).status == 404
