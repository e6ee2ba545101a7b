"""The floor: an aiohttp pass-through that reads the body, forwards the bytes and streams the answer back. It judges nothing.

Run it as `python -m bench.bare PORT UPSTREAM_URL`.
"""

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import hdrs, web

_HOP = {
    hdrs.CONNECTION,
    hdrs.KEEP_ALIVE,
    hdrs.PROXY_AUTHENTICATE,
    hdrs.PROXY_AUTHORIZATION,
    hdrs.TE,
    hdrs.TRAILER,
    hdrs.TRANSFER_ENCODING,
    hdrs.UPGRADE,
    hdrs.CONTENT_LENGTH,
    hdrs.HOST,
}


async def serve(port: int, upstream: str) -> None:
    """Serve on 127.0.0.1 until it is ended."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)
    session = aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )

    async def forward(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = [(name, value) for name, value in request.headers.items() if name not in _HOP and name != "Authorization"]
        async with session.request(request.method, upstream, data=body, headers=headers, allow_redirects=False) as answer:
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name not in _HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(f"bare listening on http://127.0.0.1:{port}/", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await session.close()
        await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
