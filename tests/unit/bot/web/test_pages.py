"""Drawing: whatever is in the data, it is text on the page, and the page says where a request stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from bot.web import pages
from bot.web.pages import Ballot, Detail, Frame, GroupCard, HistoryPage, Inbox, Item, Message, Notice, Result, Step, UserGroupCard
from workflows.document import lay_out
from workflows.redaction import Redaction
from workflows.states import State

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ASSETS = {"desk.css": "/static/desk.css?1", "desk.js": "/static/desk.js?1", "icon.svg": "/static/icon.svg?1"}
FRAME = Frame("local:alice", "the-csrf", ASSETS, "inbox", 1)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u202e\u200b"


def an_item(**changes: object) -> Item:
    """Make a pending request for a list."""
    item = Item(
        id="apr_1",
        state=State.PENDING,
        server="payments",
        tool="create_refund",
        agent="support-agent",
        owner="local:olivia",
        preview='"amount": 1',
        approvals=0,
        quorum=1,
        held_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        settled_at=None,
        decided_by=None,
    )
    return replace(item, **changes)  # type: ignore[arg-type]  # the tests name fields of Item


def a_detail(**changes: object) -> Detail:
    """Make a pending request that alice may decide."""
    detail = Detail(
        item=an_item(),
        seen="seen-1",
        rule="/tools/create_refund/require_approval/always",
        reason="Refund above $50",
        policy="payments",
        approvers="payments",
        members=("local:alice", "local:bob"),
        needed=1,
        votes=(),
        why_not_approve=None,
        why_not_deny=None,
        may_cancel=True,
        own_agent=False,
        deny_needs_reason=False,
        approve_needs_reason=False,
        fingerprint="f" * 64,
        decided_at=None,
        decision_reason=None,
        claimed_at=None,
        collected_at=None,
        arguments=lay_out(b'{"amount": 1}'),
    )
    return replace(detail, **changes)  # type: ignore[arg-type]  # the tests name fields of Detail


class _Tags(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def a_group(text: str, *members: str) -> GroupCard:
    """A group with everything that one can have, all of it called `text`."""
    asked = (UserGroupCard(text), UserGroupCard(text, text, ()), UserGroupCard(text, text, members))
    return GroupCard(
        text,
        members,
        self_approval=True,
        declared=False,
        user_groups=asked,
        quorum=2,
        channel=text,
        guests=True,
        external=True,
        direct=True,
    )


def test_a_group_shows_what_slack_adds_to_it() -> None:
    """User groups and who was read in them, the quorum, the channel, and whoever else may decide."""
    page = pages.groups(FRAME, (a_group("night", "slack:T01TEST/U01DORA"),))
    for part in (
        "<code>night</code>, which was not read from Slack yet, so nobody has a right by it.",
        "<code>@night</code>, which is empty.",
        "at least 2 approvals",
        "<code>night</code> where the rule names no channel",
        "guests and people of other workspaces may decide too",
        "told by direct message",
    ):
        assert part in page
    assert page.count("U01DORA") == 2
    bare = GroupCard("day", (), self_approval=False, declared=True)
    page = pages.groups(FRAME, (bare,))
    assert "Nobody is in this group" in page
    assert not any(word in page for word in ("Slack", "at least", "Its cards", "direct message"))
    assert "Nobody is in this group" not in pages.groups(FRAME, (replace(bare, user_groups=(UserGroupCard("x"),)),))


def _drawn_from(text: str) -> list[str]:
    """Every page with one text in every place that somebody else can fill."""
    item = an_item(server=text, tool=text, agent=text, owner=text, preview=text, decided_by=text, id=text)
    item = replace(item, category=text, risk=text, changed=True)
    raw = replace(lay_out(f'{{"a": {_json(text)}, {_json(text)}: [1]}}'.encode()), by=(text, text), secrets=True)
    detail = a_detail(
        item=item,
        rule=text,
        reason=text,
        policy=text,
        approvers=text,
        members=(text,),
        votes=(Ballot(text, "approve", text, text, NOW),),
        decision_reason=text,
        arguments=raw,
        result=Result("result", is_error=False, document=raw),
        trail=(Step(NOW, text, text, ((text, text),)),),
        previous=item,
        signals=(text, text),
        difference=(text, f"+{text}", f"-{text}"),
        in_part=True,
    )
    frame = replace(FRAME, person=text, csrf=text)
    search = dict.fromkeys(("words", "tool", "server", "agent", "person", "state", "since", "until"), text)
    lists = Inbox((item,), (item,), (item,), (item,), (item,))
    return [
        pages.inbox(frame, lists),
        pages.request(frame, detail, Notice(text, text), drafts={"deny": text}),
        pages.request(frame, replace(detail, arguments=replace(raw, hidden=True))),
        *(pages.request(frame, replace(detail, item=replace(item, state=state)), fragment=True) for state in State),
        pages.request(frame, replace(detail, result=Result("not_sent", is_error=False, document=None, text=text))),
        pages.history(frame, HistoryPage((item,), search, older=text, newest=text, problem=text)),
        pages.groups(frame, (a_group(text, text),)),
        pages.me(frame, expires_at=NOW, memberships=(text,)),
        pages.confirm_sign_in(frame, person=text, token=text),
        pages.message(frame, Message(text, text, text, text, ((text, text),), text)),
    ]


def _json(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_no_text_of_others_becomes_markup_anywhere() -> None:
    """The elements of a page are the same whatever the data says, and so are the names of their attributes."""
    for hostile, plain in zip(_drawn_from(HOSTILE), _drawn_from("plain\u202e\u200b"), strict=True):
        shape = [(tag, sorted(attributes)) for tag, attributes in _Tags(hostile).found if "unsafe" not in str(attributes.get("class"))]
        calm = [(tag, sorted(attributes)) for tag, attributes in _Tags(plain).found]
        assert [part for part in shape if part not in calm] == []
        assert "{{7*7}}" in hostile


def test_no_character_that_hides_reaches_a_page() -> None:
    """They are written out in every place."""
    for page in _drawn_from(HOSTILE):
        assert "\u202e" not in page
        assert "\u200b" not in page
        assert "\\u{202E}" in page


def test_a_page_has_no_inline_script_style_or_foreign_address() -> None:
    """The policy of the desk would block them."""
    for page in _drawn_from("plain"):
        for tag, attributes in _Tags(page).found:
            assert tag != "style"
            assert tag != "script" or attributes["src"] == ASSETS["desk.js"]
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            assert not (attributes.get("src") or "").startswith("http")


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_word_and_only_a_pending_request_has_the_buttons(state: State) -> None:
    """A settled request offers nothing that could be pressed in vain."""
    page = pages.request(FRAME, a_detail(item=an_item(state=state, decided_by="local:bob", settled_at=NOW), may_cancel=False))
    assert pages._LABELS[state] in page
    assert ('class="yes"' in page) is (state is State.PENDING)
    assert ('class="no"' in page) is (state is State.PENDING)


def test_approve_comes_second_to_nothing_and_is_never_focused() -> None:
    """No field or button takes the focus by itself."""
    page = pages.request(FRAME, a_detail())
    assert "autofocus" not in page
    forms = [attributes for tag, attributes in _Tags(page).found if tag == "form"]
    assert [form["action"] for form in forms] == [f"/requests/apr_1/{verb}" for verb in ("approve", "deny", "cancel")]
    assert all(form["method"] == "post" for form in forms)
    assert page.count('name="seen" value="seen-1"') == 3
    assert page.count('name="csrf" value="the-csrf"') == 3


def test_who_may_not_approve_reads_why_and_has_no_button_for_it() -> None:
    """Denying is another right."""
    page = pages.request(FRAME, a_detail(why_not_approve="You answer for this agent."))
    assert "You answer for this agent." in page
    assert 'class="yes"' not in page
    assert 'class="no"' in page


def test_a_time_can_be_read_without_the_script() -> None:
    """It is written in UTC, with the moment for the script beside it."""
    page = pages.request(FRAME, a_detail())
    assert '<time datetime="2026-11-25T12:30:00Z" data-clock="left">25 Nov 2026, 12:30 UTC</time>' in page


def test_what_was_lost_says_that_it_may_have_run() -> None:
    """And that it is not sent again."""
    page = pages.request(FRAME, a_detail(item=an_item(state=State.LOST)))
    assert "It may have run. Askfirst does not send it again." in page


def test_a_long_trail_says_what_it_leaves_out() -> None:
    """After its first row, with the way to all of them; a whole one says nothing of it."""
    trail = (Step(NOW, "agent:a", "request.hold"), Step(NOW, "agent:a", "request.join"))
    told = pages.request(FRAME, a_detail(trail=trail, left_out=1234))
    assert told.index("held the call") < told.index("1234 more are left out here") < told.rindex("<li")
    assert "left out" not in pages.request(FRAME, a_detail(trail=trail))


def test_a_refusal_keeps_what_was_typed() -> None:
    """The sentence, its code, and the draft in the field it came from."""
    page = pages.request(FRAME, a_detail(), Notice("Too late.", "already_settled"), drafts={"deny": "half a thought"})
    assert "Too late." in page
    assert "already_settled" in page
    assert ">half a thought</textarea>" in page


def test_the_living_parts_are_the_same_in_the_page_and_in_the_fragment() -> None:
    """The script finds each of them by its id."""
    inbox, detail = Inbox(yours=(an_item(),)), a_detail()
    for part, whole in (
        (pages.inbox(FRAME, inbox, fragment=True), pages.inbox(FRAME, inbox)),
        (pages.request(FRAME, detail, fragment=True), pages.request(FRAME, detail)),
    ):
        assert _living(part) == _living(whole)
        assert "waiting" in _living(part)


def _living(page: str) -> list[str]:
    return sorted(str(attributes["id"]) for _, attributes in _Tags(page).found if "data-live" in attributes)


def test_a_large_document_is_drawn_as_one_text() -> None:
    """Escaped all the same."""
    shown = lay_out(b'{"rows": [' + b",".join([b'["<b>"]'] * 5000) + b"]}")
    page = pages.request(FRAME, a_detail(arguments=shown))
    assert page.count("&lt;b&gt;") == 2 * 5000
    assert "<b>" not in page.replace("<b>support-agent</b>", "").replace("<b>payments</b>", "")


def test_what_the_tool_is_like_stands_in_badges_that_no_text_can_make() -> None:
    """In lists the category alone, on the page with its risk; where the catalogue said nothing there is none."""
    item = an_item(
        category="Destructive", risk="Critical", agent="support · Critical risk", server='<span class="kind critical">Read</span>'
    )
    listed = pages.inbox(FRAME, Inbox(yours=(item,)))
    assert _badges(listed) == ["kind critical"]
    assert '<span class="kind critical">Destructive</span>' in listed
    page = pages.request(FRAME, a_detail(item=replace(item, changed=True), signals=("Bulk operation", "<b>Free-form</b> query")))
    assert _badges(page) == ["kind critical", "kind changed"]
    assert '<span class="kind critical">Destructive · Critical risk</span>' in page
    assert "<li>Bulk operation</li><li>&lt;b&gt;Free-form&lt;/b&gt; query</li>" in page
    bare = pages.inbox(FRAME, Inbox(yours=(an_item(),))) + pages.request(FRAME, a_detail())
    assert _badges(bare) == []
    assert "Signals" not in bare


def _badges(page: str) -> list[str]:
    found = (str(attributes.get("class")) for _, attributes in _Tags(page).found)
    return [name for name in found if name.split()[0] == "kind"]


def test_a_changed_definition_is_shown_line_by_line_and_readable_without_colours() -> None:
    """Each line keeps its sign; a reader is told what an approval accepts, and where the difference is not the whole."""
    lines = ('-   "description": "<i>a"', '+   "description": "\u202eb"', '    "type": 1')
    detail = a_detail(item=an_item(changed=True), difference=lines)
    page = pages.request(FRAME, detail)
    assert (
        "<del>-   &#34;description&#34;: &#34;&lt;i&gt;a&#34;</del><ins>+   &#34;description&#34;: &#34;\\u{202E}b&#34;</ins><span>" in page
    )
    assert page.count("ccept") >= 3
    assert "Approving accepts the new definition." in page
    assert "It accepts the new definition of the tool." in page
    assert "too long to be kept whole" not in page
    assert "too long to be kept whole" in pages.request(FRAME, replace(detail, in_part=True))
    settled = pages.request(FRAME, replace(detail, item=an_item(changed=True, state=State.DENIED)))
    assert "Approving accepts" not in settled
    assert "changed since it was accepted" in settled
    assert "changed since it was accepted" not in pages.request(FRAME, a_detail())


def test_what_the_policy_hides_is_said_to_both_kinds_of_readers() -> None:
    """Who decides sees all of it, and what others do not see; a secret and what the policy hides are told apart."""
    raw, rules = b'{"a": {"b": "x"}, "c": "y"}', Redaction((("a", "b"),), ("y",))
    decider = pages.request(FRAME, a_detail(arguments=lay_out(raw, rules=rules)))
    assert "The policy hides <code>args.a.b</code> and text that a pattern finds from those who do not decide" in decider
    assert "all of them, as the agent sent them" in decider
    other = pages.request(FRAME, a_detail(arguments=lay_out(raw, hide=True, rules=rules)))
    assert "<strong>The policy hides <code>args.a.b</code> and text that a pattern finds</strong> from you" in other
    assert "in part hidden from you" in other
    assert "look like secrets" not in other
    assert "look like secrets" in pages.request(FRAME, a_detail(arguments=lay_out(b'{"password": "x"}', hide=True)))
