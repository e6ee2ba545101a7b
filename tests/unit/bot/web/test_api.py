"""The desk for programs."""

import json

import pytest

from tests.fakes.desk import Desk, Page, Visitor


async def _ask(visitor: Visitor, method: str, path: str, token: str, body: object = None, **headers: str) -> Page:
    data = json.dumps(body).encode() if body is not None else None
    return await visitor.ask(method, path, headers={"Authorization": f"Bearer {token}", **headers}, data=data)


def _code(page: Page) -> str:
    return str(json.loads(page.text)["error"]["code"])


async def test_a_person_lists_reads_and_decides(desk: Desk, visitor: Visitor) -> None:
    """With the fields that the command line promises."""
    token, request_id = await desk.token("local:alice"), await desk.hold(arguments={"amount": 5})
    listed = json.loads((await _ask(visitor, "GET", "/api/requests?state=pending", token)).text)
    [entry] = listed["requests"]
    assert {"id", "state", "server", "tool", "arguments", "agent", "held_at", "expires_at", "votes", "needed"} <= set(entry)
    assert (entry["id"], entry["state"], entry["arguments"], entry["needed"]) == (request_id, "pending", {"amount": 5}, 1)
    denied = await _ask(visitor, "POST", f"/api/requests/{request_id}/deny", token, {"reason": "no"})
    told = json.loads(denied.text)
    assert (told["state"], told["decision_reason"], told["votes"][0]["via"]) == ("denied", "no", "api")
    assert json.loads((await _ask(visitor, "GET", f"/api/requests/{request_id}", token)).text)["trail"][-1]["event"] == "request.deny"
    assert json.loads((await _ask(visitor, "GET", "/api/requests?state=pending", token)).text)["requests"] == []


async def test_approving_and_cancelling_work_too(desk: Desk, visitor: Visitor) -> None:
    """Without a body as well."""
    token = await desk.token("local:alice")
    first, second = await desk.hold(arguments={"n": 1}), await desk.hold(arguments={"n": 2})
    assert (await _ask(visitor, "POST", f"/api/requests/{first}/approve", token)).status == 200
    assert (await _ask(visitor, "POST", f"/api/requests/{second}/cancel", token, {"reason": "later"})).status == 200
    assert (await desk.row(second)).state == "cancelled"


async def test_an_agent_s_token_opens_nothing(desk: Desk, visitor: Visitor) -> None:
    """Nor do a cookie, a sign-in link, a session, or nothing at all."""
    request_id = await desk.hold()
    link = (await desk.link()).partition("token=")[2]
    await visitor.sign_in("local:alice")
    session = visitor.cookies().partition("=")[2]
    for token in (desk.agent_token, link, session, "askp_invented", "", f"askp_{desk.agent_token}"):
        for method, path in (
            ("GET", "/api/requests"),
            ("GET", f"/api/requests/{request_id}"),
            ("POST", f"/api/requests/{request_id}/approve"),
        ):
            answer = await _ask(visitor, method, path, token)
            assert answer.status in {401, 429}
            assert "create_refund" not in answer.text
    assert (await desk.row(request_id)).state == "pending"


async def test_an_agent_s_token_is_no_session_either(desk: Desk, visitor: Visitor) -> None:
    """As a cookie or as a link it is unknown."""
    assert (await visitor.get("/", Cookie=f"askfirst={desk.agent_token}")).status == 303
    assert (await visitor.post("/sign-in", {"token": desk.agent_token})).status == 401
    assert (await visitor.get("/", Authorization=f"Bearer {desk.agent_token}")).status == 303


async def test_a_personal_token_is_no_way_into_the_pages(desk: Desk, visitor: Visitor) -> None:
    """It is for programs alone."""
    token = await desk.token()
    assert (await visitor.get("/", Authorization=f"Bearer {token}")).status == 303
    assert (await visitor.get("/", Cookie=f"askfirst={token}")).status == 303


async def test_every_no_has_its_code_and_status(desk: Desk, visitor: Visitor) -> None:
    """The same refusals as on the pages."""
    alice, olivia = await desk.token("local:alice"), await desk.token("local:olivia")
    request_id, account = await desk.hold(), await desk.hold("close_account")
    own = await _ask(visitor, "POST", f"/api/requests/{request_id}/approve", olivia)
    assert (own.status, _code(own)) == (403, "not_allowed")
    reason = await _ask(visitor, "POST", f"/api/requests/{account}/deny", alice)
    assert (reason.status, _code(reason)) == (422, "reason_required")
    await desk.vote(request_id, "local:bob", "deny")
    late = await _ask(visitor, "POST", f"/api/requests/{request_id}/approve", alice)
    assert (late.status, _code(late)) == (409, "already_settled")
    for path in ("/api/requests/apr_none", "/api/requests/apr_none/approve"):
        gone = await _ask(visitor, "GET" if path.endswith("none") else "POST", path, alice)
        assert (gone.status, _code(gone)) == (404, "not_found")
    assert _code(await _ask(visitor, "GET", "/api/nothing", alice)) == "http_404"
    assert _code(await _ask(visitor, "GET", "/api/requests?state=odd", alice)) == "malformed"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"reason": 1}', b'{"reason": "a", "more": 1}', b'{"reason": "a", "reason": "b"}', b"\xff"])
async def test_a_body_that_is_not_understood_decides_nothing(desk: Desk, visitor: Visitor, body: bytes) -> None:
    """Strictly read, like everything else."""
    token, request_id = await desk.token(), await desk.hold()
    path = f"/api/requests/{request_id}/deny"
    answer = await visitor.ask("POST", path, headers={"Authorization": f"Bearer {token}"}, data=body)
    assert (answer.status, _code(answer)) == (400, "malformed")
    assert (await desk.row(request_id)).state == "pending"


async def test_a_foreign_page_cannot_use_the_api(desk: Desk, visitor: Visitor) -> None:
    """A browser says where it comes from."""
    token, request_id = await desk.token(), await desk.hold()
    answer = await _ask(visitor, "POST", f"/api/requests/{request_id}/approve", token, Origin="https://evil.example")
    assert (answer.status, _code(answer)) == (403, "forged")


async def test_secrets_are_hidden_from_who_does_not_decide(desk: Desk, visitor: Visitor) -> None:
    """An approver sees them."""
    raw = b'{"password":  "hunter2"}'
    request_id = await desk.hold(arguments=raw)
    path = f"/api/requests/{request_id}"
    assert json.loads((await _ask(visitor, "GET", path, await desk.token("local:alice"))).text)["arguments_text"] == raw.decode()
    assert "hunter2" in (await _ask(visitor, "GET", path, await desk.token("local:alice"))).text
    assert "hunter2" not in (await _ask(visitor, "GET", path, await desk.token("local:mallory"))).text


async def test_guessing_is_slowed_down(desk: Desk, visitor: Visitor) -> None:
    """As at the door."""
    for _ in range(10):
        assert (await _ask(visitor, "GET", "/api/requests", "askp_guess")).status == 401
    assert (await _ask(visitor, "GET", "/api/requests", await desk.token())).status == 429
