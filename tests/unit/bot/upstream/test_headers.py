"""Which headers pass the gateway, in both directions."""

from bot.upstream import filter_request_headers, filter_response_headers


def test_no_credential_and_no_hop_header_of_an_agent_goes_upstream() -> None:
    """Authorization, cookies, hop-by-hop headers, Host, length, and claims about the sender stay here, whatever their case."""
    raw = [
        ("Authorization", "Bearer ask_x"),
        ("cookie", "a=b"),
        ("Host", "gateway"),
        ("Content-Length", "5"),
        ("TE", "trailers"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "websocket"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic x"),
        ("Proxy-Connection", "close"),
        ("Expect", "100-continue"),
        ("X-Forwarded-User", "admin"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1"),
        ("X-Real-IP", "10.0.0.1"),
        ("X_Forwarded_For", "10.0.0.1"),
        ("X_Real_IP", "10.0.0.1"),
        ("Mcp_Session_Id", "of another"),
        ("Mcp-Param_Amount", "1"),
    ]
    assert filter_request_headers(raw, {}) == []
    assert filter_request_headers([("x_api_key", "mine")], {"X-Api-Key": "ours"}) == [("X-Api-Key", "ours")]


def test_the_rest_passes_unchanged_and_in_order() -> None:
    """What MCP needs and what is unknown goes on, Mcp-Param headers included, twice where it stands twice."""
    raw = [
        ("Accept", "application/json"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Param-Region", "=?base64?w6k=?="),
        ("Mcp-Param-user_id", "7"),
        ("Mcp-Session-Id", "s"),
        ("Last-Event-ID", "1"),
        ("X-Custom", "a"),
        ("X-Custom", "b"),
        ("traceparent", "00-1-2-01"),
    ]
    assert filter_request_headers(raw, {}) == raw


def test_configured_headers_win() -> None:
    """An agent cannot set what the configuration sets, in any spelling."""
    raw = [("X-API-KEY", "agent"), ("x-api-key", "agent"), ("Accept", "a"), ("Authorization", "Bearer ask_x")]
    injected = {"X-Api-Key": "ours", "Authorization": "Bearer upstream"}
    assert filter_request_headers(raw, injected) == [("Accept", "a"), ("X-Api-Key", "ours"), ("Authorization", "Bearer upstream")]


def test_headers_named_by_connection_are_hop_headers() -> None:
    """They are dropped, but an agent cannot have the routing headers dropped that way, nor a configured one."""
    raw = [("Connection", "close, X-Hop, Mcp-Name, X-Api-Key"), ("X-Hop", "1"), ("Mcp-Name", "act")]
    assert filter_request_headers(raw, {"X-Api-Key": "ours"}) == [("Mcp-Name", "act"), ("X-Api-Key", "ours")]


def test_an_answer_keeps_all_but_hop_headers_cookies_and_challenges() -> None:
    """Cookies would be nobody's, and a challenge is about the gateway's credentials."""
    raw = [
        ("Content-Type", "text/event-stream"),
        ("Mcp-Session-Id", "s"),
        ("Content-Encoding", "gzip"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("Set-Cookie", "a=b"),
        ("WWW-Authenticate", "Bearer"),
        ("X-Custom", "a"),
    ]
    kept = filter_response_headers(raw)
    assert [name for name, _ in kept] == ["Content-Type", "Mcp-Session-Id", "Content-Encoding", "X-Custom"]
