"""`askfirst init`."""

import re
import tomllib
from pathlib import Path

import pytest

from bot.settings import keys, load
from tests.unit.bot.cli.stage import type_in
from tests.unit.bot.configs import ENVIRONMENT, write

TEMPLATE = Path(__file__).parents[4] / "bot" / "cli" / "templates" / "askfirst.toml"


def test_what_init_writes_is_valid_as_it_is(tmp_path: Path) -> None:
    """A first configuration passes `check` before anybody touched it, and a grant can be made for it."""
    where = tmp_path / "new place"
    said = type_in("init", where)
    assert (said.code, said.err) == (0, "")
    config = where / "askfirst.toml"
    checked = type_in("check", "--config", config)
    assert (checked.code, checked.err) == (0, "")
    assert "note:" not in checked.out
    assert "ok: policy payments: SHA-256 " in checked.out
    made = type_in(
        "grants", "create", "support-agent", "--server", "payments", "--policy", "payments", "--owner", "local:olivia", "--config", config
    )
    assert made.code == 0


def test_init_says_the_next_three_steps_ready_to_paste(tmp_path: Path) -> None:
    """Each step names its command, with the path that was given, quoted where it must be."""
    where = tmp_path / "new place"
    out = type_in("init", where).out
    assert [f"{number}. " in out for number in (1, 2, 3)] == [True, True, True]
    for command in (
        "askfirst check",
        "askfirst serve",
        "askfirst grants create support-agent --server payments",
        "askfirst desk login --as local:alice",
    ):
        assert command in out
    assert f"--config '{where}/askfirst.toml'" in out


def test_init_without_a_directory_writes_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps then need no --config."""
    monkeypatch.chdir(tmp_path)
    said = type_in("init")
    assert (tmp_path / "policies" / "payments.json").is_file()
    assert "--config" not in said.out


@pytest.mark.parametrize("name", ["askfirst.toml", "policies/payments.json"])
def test_init_never_overwrites(tmp_path: Path, name: str) -> None:
    """Whichever file is in the way is named, stays as it is, and nothing else is written."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    said = type_in("init", tmp_path)
    assert (said.code, said.out) == (1, "")
    assert f"{path} exists already, and nothing was written." in said.err
    assert path.read_text() == "mine"
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_init_never_writes_through_a_link(tmp_path: Path) -> None:
    """A link that leads nowhere counts as being in the way, and the other file is not written either."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "payments.json").symlink_to(tmp_path / "elsewhere")
    assert type_in("init", tmp_path).code == 1
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "askfirst.toml").exists()


def test_init_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A directory that is a file ends in a sentence."""
    (tmp_path / "file").write_text("")
    said = type_in("init", tmp_path / "file")
    assert said.code == 1
    assert said.err.endswith("[not_written]\n")


def test_the_template_explains_every_key_and_shows_true_defaults(tmp_path: Path) -> None:
    """Each key is there with a comment; taking the # away everywhere gives a configuration that is valid too."""
    lines = TEMPLATE.read_text().splitlines()
    known = {key for section in (*keys.SECTIONS.values(), *keys.ENTRIES.values()) for key in section}
    shown = {found[1] for line in lines if (found := re.match(r"#?([a-z_0-9]+) = ", line))}
    assert shown | {"token_sha256"} == known | {"payments"}
    full = "\n".join(re.sub(r"^#(?=\[|[a-z_0-9]+ = )", "", line) for line in lines)
    path = write(tmp_path, full, {"policies/payments.json": (TEMPLATE.parent / "payments.json").read_text()})
    settings = load(path, ENVIRONMENT)
    assert set(settings.servers) == {"payments", "files"}
    plain = load(write(tmp_path, '[slack]\nchannel = "#agent-approvals"\nfallback_channel = "#operations"\n'), ENVIRONMENT)
    assert (settings.gateway, settings.desk, settings.slack) == (plain.gateway, plain.desk, plain.slack)


def test_the_template_starts_with_what_a_newcomer_needs() -> None:
    """Without the comments there is one server, one policy and one group, and no secret."""
    document = tomllib.loads(TEMPLATE.read_text())
    assert (list(document["servers"]), list(document["policies"]), list(document["groups"])) == (["payments"], ["payments"], ["payments"])
    assert "grants" not in document
