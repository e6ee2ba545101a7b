"""The configuration as a whole: every key, every problem at once, no secret anywhere."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings import Address, Forwarded, HttpServer, Secret, Settings, SettingsInvalid, StdioServer, base, keys, load
from tests.unit.bot.configs import ENVIRONMENT, FULL, GRANT, SERVER, TOKEN, only, problems, read, toml, write
from workflows.grants import token_hash
from workflows.people import ApproverGroup


@pytest.fixture
def full() -> Settings:
    """The configuration in which every key is set."""
    return load(FULL, ENVIRONMENT)


def test_every_gateway_key_is_read(full: Settings) -> None:
    """Each key of [gateway] sets the field of its name."""
    gateway = full.gateway
    assert gateway.listen == Address("127.0.0.1", 9080)
    assert gateway.allowed_hosts == ("mcp.example.com", "mcp.example.com:8443")
    assert gateway.allowed_origins == ("https://app.example.com",)
    assert (gateway.max_body_bytes, gateway.max_depth, gateway.max_header_bytes) == (1_000_000, 32, 8192)
    assert (gateway.hold_budget_seconds, gateway.connect_timeout_seconds, gateway.upstream_timeout_seconds) == (20, 2.5, 60)
    assert gateway.max_pending_per_grant == 7


def test_every_desk_key_is_read(full: Settings) -> None:
    """Each key of [desk] sets the field of its name; the public URL loses its last slash."""
    desk = full.desk
    assert (str(desk.listen), desk.public_url, desk.allow_remote, desk.session_hours) == (
        "0.0.0.0:9081",
        "https://askfirst.example.com",
        True,
        1.5,
    )


def test_every_storage_key_is_read(full: Settings) -> None:
    """A SQLite path and the anchor are relative to the config file, not to where the command was typed."""
    assert full.database.url.reveal() == f"sqlite:///{FULL.parent}/policies/askfirst.db"
    assert full.database.shown == full.database.url.reveal()
    assert full.audit.forwarded is Forwarded.DURABLE
    assert full.audit.anchor == FULL.parent / "anchor.log"


def test_every_server_key_is_read(full: Settings) -> None:
    """A server has a URL with headers, or a command with an environment."""
    assert full.servers["payments"] == HttpServer(
        "payments", "http://127.0.0.1:9000/mcp", {"Authorization": Secret("Bearer payments-secret"), "X-Team": Secret("risk")}
    )
    assert full.servers["files"] == StdioServer(
        "files",
        ("python", "server.py"),
        {"FILES_ROOT": Secret("/srv/files"), "FILES_TOKEN": Secret("files-secret-0123456789")},
        FULL.parent,
    )


def test_every_grant_and_group_key_is_read(full: Settings) -> None:
    """A grant keeps the hash of its token only, the one that the database keeps too."""
    agent, night = full.grants["support-agent"], full.grants["night-shift"]
    assert (agent.label, agent.server, agent.policy, agent.owner) == ("support-agent", "payments", "payments", "local:olivia")
    assert (agent.token_sha256, agent.hold_budget_seconds) == (token_hash(TOKEN), 5)
    assert (night.policy, night.owner, night.hold_budget_seconds) == (None, "slack:T01TEST/U01OLIVIA", None)
    assert night.token_sha256 == token_hash("test")
    people = frozenset({"local:alice", "slack:T01TEST/U01ALICE"})
    assert full.groups == {
        "payments": ApproverGroup(
            "payments",
            people,
            self_approval=True,
            user_groups=frozenset({"slack:T01TEST/S01ONCALL"}),
            quorum=2,
            channel="#payments",
            guests=True,
            external=True,
            direct=True,
        )
    }
    assert full.policies["payments"].approver_groups == {"payments"}


def test_an_empty_file_has_safe_defaults(tmp_path: Path) -> None:
    """Without a word, both listeners are on loopback, the database is beside the file, and nothing is allowed."""
    settings = read(tmp_path, "")
    assert (str(settings.gateway.listen), str(settings.desk.listen)) == ("127.0.0.1:8080", "127.0.0.1:8081")
    assert settings.desk.public_url == "http://127.0.0.1:8081"
    assert settings.database.url.reveal() == f"sqlite:///{tmp_path}/askfirst.db"
    assert (settings.gateway.max_body_bytes, settings.gateway.max_depth, settings.gateway.hold_budget_seconds) == (4 * 1024 * 1024, 64, 50)
    assert settings.gateway.max_pending_per_grant == 100
    assert (settings.audit.forwarded, settings.audit.anchor) == (Forwarded.BUFFERED, None)
    assert not settings.desk.allow_remote
    assert not settings.servers
    assert not settings.grants


def test_the_sample_sets_every_key() -> None:
    """The full sample, which the tests above read, leaves no known key out."""
    text = FULL.read_text()
    known = {key for section in (*keys.SECTIONS.values(), *keys.ENTRIES.values()) for key in section}
    assert {key for key in known if f"\n{key} = " not in text} == set()


def test_no_secret_is_ever_shown(full: Settings) -> None:
    """Neither repr, str, a dictionary nor a copy of the settings shows a secret; one cannot be pickled."""
    for text in (
        repr(full),
        str(full.servers),
        f"{full.servers['payments']}",
        repr(dataclasses.asdict(full.desk)),
        repr(copy.deepcopy(full.database)),
    ):
        for secret in (TOKEN, "payments-secret", "files-secret-0123456789"):
            assert secret not in text
    assert f"{Secret('abc'):>20}" == "Secret(hidden)"
    with pytest.raises(TypeError):
        pickle.dumps(Secret("abc"))


def test_settings_are_frozen(full: Settings) -> None:
    """Nobody can change what was read."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        full.gateway.max_depth = 1000  # type: ignore[misc]  # the attempt is the test
    with pytest.raises(TypeError):
        full.grants["x"] = full.grants["night-shift"]  # type: ignore[index]  # the attempt is the test


def test_files_to_watch(full: Settings) -> None:
    """The config file, the policies and the files with secrets are watched."""
    assert set(full.files) == {FULL, FULL.parent / "policies" / "payments.json", FULL.parent / "files.token"}


def test_every_problem_is_reported_at_once_in_reading_order(tmp_path: Path) -> None:
    """Problems of different sections come together, from top to bottom, with the line of each."""
    text = '[gateway]\nlisten = 8080\nmax_deth = 3\n\n[grants.agent]\nserver = "paiments"\nowner = "olivia"\ntoken = "abc"\n' + SERVER
    found = [(problem.path, problem.line) for problem in problems(tmp_path, text)]
    assert found == [
        ("gateway.listen", 2),
        ("gateway.max_deth", 3),
        ("grants.agent.server", 6),
        ("grants.agent.owner", 7),
        ("grants.agent.token", 8),
    ]


def test_a_refusal_says_the_first_problem_and_how_many_more(tmp_path: Path) -> None:
    """The sentence of the error is enough for a log; the list is in `problems`, and the files to watch stay known."""
    with pytest.raises(SettingsInvalid) as refusal:
        read(tmp_path, "[gateway]\nmax_depth = true\n[desk]\nsession_hours = 0\n")
    assert refusal.value.code == "settings_invalid"
    assert str(refusal.value).startswith(
        "The configuration cannot be used: askfirst.toml:2: gateway.max_depth: Found true; write a whole number"
    )
    assert "and 1 more" in str(refusal.value)
    assert refusal.value.files == (tmp_path / "askfirst.toml",)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("[gatway]\n", "gatway", "There is no such key. Did you mean `gateway`?"),
        ("[gateway]\nlissten = 'x'\n", "gateway.lissten", "Did you mean `listen`?"),
        ("[gateway]\nsession_hours = 1\n", "gateway.session_hours", "It belongs in [desk]."),
        ("[desk]\nmembers = []\n", "desk.members", "It belongs in [groups.NAME]."),
        ("[database]\nzzz = 1\n", "database.zzz", "Known here: url."),
        ("[audit]\nForwarded = 'durable'\n", "audit.Forwarded", "Did you mean `forwarded`?"),
        ("[groups.g]\nmembers = []\nself-approval = true\n", "groups.g.self-approval", "Did you mean `self_approval`?"),
        (SERVER + "header = {}\n", "servers.payments.header", "Did you mean `headers`?"),
        (SERVER + GRANT + "polcy = 'x'\n", "grants.agent.polcy", "Did you mean `policy`?"),
        ("gateway = 3\n", "gateway", "Found 3; a table is needed here: [gateway]."),
        ("[[servers]]\nurl = 'x'\n", "servers", "Found a list; a table is needed here: [servers]."),
        ("grants.agent = 'x'\n", "grants.agent", "Found 'x'; a table is needed here"),
        ('[servers."Bad Name"]\nurl = "http://127.0.0.1/mcp"\n', 'servers."Bad Name"', "This name cannot be used. Write a-z, 0-9"),
        ('[groups."../etc"]\nmembers = []\n', 'groups."../etc"', "This name cannot be used."),
        (f"[policies]\n{'a' * 65} = 'x.json'\n", f"policies.{'a' * 65}", "This name cannot be used."),
    ],
)
def test_unknown_keys_and_wrong_shapes_are_problems(tmp_path: Path, text: str, path: str, message: str) -> None:
    """Whatever the file says that has no meaning is an error, with what was probably meant."""
    found = problems(tmp_path, text)
    assert any(problem.path == path and message in problem.message for problem in found), found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[gateway\n", "This is not TOML"),
        (b"[gateway]\nlisten = 1\nlisten = 2\n", "This is not TOML"),
        (b"[gateway]\nlisten =\n", "This is not TOML"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1,048,576 bytes"),
    ],
)
def test_a_file_that_is_no_toml_is_one_problem(tmp_path: Path, content: bytes, message: str) -> None:
    """Bytes that cannot be read as TOML end in a sentence."""
    path = tmp_path / "askfirst.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsInvalid) as refusal:
        load(path, {})
    problem = only(refusal.value.problems)
    assert message in problem.message
    assert ("(at line" in problem.message) is (problem.line is not None)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """Without a file, the remedy is `askfirst init`; a directory in its place is a sentence too."""
    with pytest.raises(SettingsInvalid, match=r"There is no file .*nowhere.toml.*askfirst init"):
        load(tmp_path / "nowhere.toml", {})
    with pytest.raises(SettingsInvalid, match="Is a directory"):
        load(tmp_path, {})


def test_dates_and_nan_are_not_numbers(tmp_path: Path) -> None:
    """TOML's dates, nan and inf are refused where a number is due."""
    text = (
        f"[gateway]\nmax_depth = {datetime(2026, 1, 1, tzinfo=UTC).isoformat()}\nhold_budget_seconds = nan\nconnect_timeout_seconds = inf\n"
    )
    assert [problem.path for problem in problems(tmp_path, text)] == [
        "gateway.max_depth",
        "gateway.hold_budget_seconds",
        "gateway.connect_timeout_seconds",
    ]


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    """Some editors write one."""
    path = write(tmp_path, "")
    path.write_bytes(b"\xef\xbb\xbf[gateway]\nmax_depth = 10\n")
    assert load(path, {}).gateway.max_depth == 10


def test_the_base_needs_no_secret_of_servers_and_grants() -> None:
    """The command line reaches the database from a shell in which the agent's token is not set."""
    found = base(FULL, {})
    assert found.database.url.reveal() == f"sqlite:///{FULL.parent}/policies/askfirst.db"
    assert (found.desk.public_url, found.gateway.listen.port) == ("https://askfirst.example.com", 9080)
    assert (found.servers, found.policies) == (("payments", "files"), ("payments",))
    with pytest.raises(SettingsInvalid):
        load(FULL, {})


def test_the_base_reports_the_problems_of_its_own_sections(tmp_path: Path) -> None:
    """What it reads must be right; what it does not read may be wrong."""
    path = write(tmp_path, '[database]\nurl = "mysql://x"\n[desk]\nport = 1\n[servers.x]\nzzz = 1\n')
    with pytest.raises(SettingsInvalid) as refusal:
        base(path, {})
    assert [problem.path for problem in refusal.value.problems] == ["database.url", "desk.port"]


_words = st.sampled_from(
    ["", "env:TOKEN", "file:x", "payments", "local:alice", "127.0.0.1:1", "http://127.0.0.1/x", "sqlite:///x.db", "\u202e", "a\nb"]
)
_scalars = st.one_of(_words, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5), st.integers(-1, 10**6), st.booleans())
_values = st.one_of(_scalars, st.lists(_scalars, max_size=2), st.dictionaries(_words, _scalars, max_size=2))


def _sections(known: Mapping[str, Sequence[str]]) -> st.SearchStrategy[dict[str, object]]:
    tables = {name: st.dictionaries(st.sampled_from([*section, "zzz"]), _values, max_size=4) for name, section in known.items()}
    return st.fixed_dictionaries({}, optional={name: table | _values for name, table in tables.items()})


_names = st.sampled_from(["payments", "other", "Bad Name"])
_entries = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(_names, _values | st.dictionaries(st.sampled_from([*section, "zzz"]), _values, max_size=4), max_size=2)
        for name, section in keys.ENTRIES.items()
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(sections=_sections(keys.SECTIONS), entries=_entries)
def test_any_file_gives_settings_or_problems(tmp_path: Path, sections: dict[str, object], entries: dict[str, object]) -> None:
    """Whatever stands where, the answer is settings, or problems that all have a line; never another error."""
    document = {**sections, **entries}
    text = "".join(f"{name} = {toml(value)}\n" for name, value in document.items())
    refusal: SettingsInvalid | None = None
    try:
        read(tmp_path, text, environment={"TOKEN": "t" * 30})
    except SettingsInvalid as invalid:
        refusal = invalid
    lines = text.splitlines()
    for problem in refusal.problems if refusal else ():
        assert problem.line is not None
        before = [line for line in lines[: problem.line] if line.partition(" = ")[0] in keys.ALL_SECTIONS]
        assert before[-1].startswith(problem.path.partition(".")[0])
