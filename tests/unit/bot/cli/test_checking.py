"""`askfirst check`."""

import json
from pathlib import Path

import pytest

from tests.unit.bot.cli.stage import type_in
from tests.unit.bot.configs import ENVIRONMENT, GRANT, SERVER, write

V1 = """{
  "version": "1",
  "default": "deny",
  "tools": {
    "pay": {"deny_if": [{"conditions": []}], "limits": [{"counter": "c", "window": "day", "max": 3, "scope": "grant"}]},
    "read_*": {}
  }
}
"""
INTERCEPT = """version: "1"
tools:
  pay:
    rules:
      - action: deny
"""


def test_check_prints_every_problem_with_place_and_remedy(tmp_path: Path) -> None:
    """One line a problem, in reading order, and exit 1."""
    path = write(
        tmp_path,
        '[gateway]\nlissen = "127.0.0.1:1"\n[desk]\nlisten = "0.0.0.0:8081"\n[policies]\np = "p.json"\n',
        {"p.json": '{\n"version": "1",\n"default": "maybe",\n"tools": {}\n}'},
    )
    said = type_in("check", "--config", path)
    assert (said.code, said.err) == (1, "")
    lines = said.out.splitlines()
    assert lines[0] == "problem: askfirst.toml:2: gateway.lissen: There is no such key. Did you mean `listen`?"
    assert lines[1].startswith("problem: askfirst.toml:4: desk.listen: ")
    assert lines[2].startswith("problem: p.json:3: policies.p: /default: ")
    assert lines[-1] == "3 problems. Nothing was started or changed."


def test_check_prints_notes_and_what_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is probably not meant is a note, and exit is 0; no secret is printed."""
    monkeypatch.setenv("SUPPORT_AGENT_TOKEN", "a-token-that-nobody-sees")
    said = type_in("check", "--config", write(tmp_path, SERVER + GRANT))
    assert said.code == 0
    assert "note: askfirst.toml:3: grants.agent: It has no policy, so every call is denied." in said.out
    assert "ok: grant agent: server payments, policy none, owner local:olivia" in said.out
    assert "a-token-that-nobody-sees" not in said.out


def test_check_says_where_slack_shows_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connected Slack sees that the section was read, and no token."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    said = type_in("check", "--config", write(tmp_path, SERVER + '[slack]\nchannel = "#agent-approvals"\n'))
    assert said.code == 0
    assert "ok: slack: cards go to #agent-approvals, in socket mode" in said.out
    assert "not-a-real-one" not in said.out


def test_check_writes_out_what_hides(tmp_path: Path) -> None:
    """A value that turns text around or colours it is shown as escapes."""
    said = type_in("check", "--config", write(tmp_path, '[gateway]\nlisten = "\\u202eevil\\u001b[31m"\n'))
    assert said.code == 1
    assert "\u202e" not in said.out
    assert "\x1b" not in said.out


def file(directory: Path, name: str, text: str) -> Path:
    """Write a file."""
    path = directory / name
    path.write_text(text)
    return path


def test_good_files_get_a_line_each(tmp_path: Path) -> None:
    """It says what the file is, and what `sha256sum` says of it."""
    first, second = file(tmp_path, "a.json", V1), file(tmp_path, "b.yml", INTERCEPT)
    said = type_in("check", first, second)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith(f"ok: {first}: PolicyLayer v1, 2 tools, 2 rules, SHA-256 ")
    assert len(lines[0].rpartition(" ")[2]) == 64
    assert lines[1].startswith(f"{second}:1: note: the document: default is missing")
    assert lines[2] == '    version: "1"'
    assert lines[3].startswith(f"ok: {second}: Intercept v1, 1 tool, 1 rule, SHA-256 ")


def test_every_problem_of_every_file_is_told(tmp_path: Path) -> None:
    """Each with file, line, pointer, remedy, and the line below it; a file that is good says so; exit is 1."""
    bad = file(tmp_path, "bad.json", V1.replace('"default": "deny"', '"default": "denny"').replace("deny_if", "deny_iff"))
    good, gone = file(tmp_path, "good.json", V1), tmp_path / "gone.yaml"
    said = type_in("check", bad, good, gone)
    assert (said.code, said.err) == (1, "")
    lines = said.out.splitlines()
    assert lines[0] == f'{bad}:3: /default: default is one of allow, deny, require_approval: did you mean "deny"?'
    assert lines[1] == '    "default": "denny",'
    assert lines[2].startswith(f"{bad}:5: /tools/pay/deny_iff: ")
    assert 'did you mean "deny_if"?' in lines[2]
    assert lines[3].startswith('    "pay": {"deny_iff"')
    assert lines[4].startswith(f"ok: {good}: ")
    assert lines[5].startswith(f"{gone}: There is no file ")
    assert lines[6] == "3 problems. Nothing was started or changed."


def test_names_that_no_tool_has_are_problems(tmp_path: Path) -> None:
    """With the server's tools at hand, a misspelt name is told with the one that was probably meant."""
    tools = file(tmp_path, "tools.json", json.dumps({"tools": [{"name": "pays"}, {"name": "read_it"}]}))
    policy = file(tmp_path, "a.json", V1)
    said = type_in("check", policy, "--tools", tools)
    assert (said.code, said.err) == (1, "")
    lines = said.out.splitlines()
    assert lines[0].startswith(f'{policy}:5: /tools/pay: No listed tool is called "pay"')
    assert 'did you mean "pays"?' in lines[0]
    assert lines[1].startswith('    "pay": {')
    assert lines[2:] == ["1 problem. Nothing was started or changed."]
    tools.write_text(json.dumps([{"name": "pay"}, {"name": "read_it"}]))
    assert type_in("check", policy, "--tools", tools).code == 0
    tools.write_text("{}")
    assert type_in("check", policy, "--tools", tools).err.endswith("[no_tool_list]\n")


def test_a_line_is_shown_as_it_can_be_shown(tmp_path: Path) -> None:
    """A very long one is cut, what hides is written out, and what looks like a secret is hidden."""
    text = "sk-" + "a1" * 20
    wide = file(tmp_path, "wide.json", '{"version": "2", "default": "deny", "tools": {"\u202e' + text + "x" * 10_000 + '": {}}}')
    said = type_in("check", wide)
    assert said.code == 1
    assert max(map(len, said.out.splitlines())) < 400
    assert [hidden for hidden in ("\u202e", text) if hidden in said.out] == []


def test_a_configuration_can_be_named_too(tmp_path: Path) -> None:
    """Its problems, and those of the policies that it names, come with their lines; a line that may hold a secret is not shown."""
    path = write(
        tmp_path,
        '[gateway]\nlissen = "127.0.0.1:1"\n[slack]\nbot_token = "hunter2"\nchannel = 3\n[policies]\np = "p.json"\n',
        {"p.json": '{\n"version": "1",\n"default": "maybe",\n"tools": {}\n}'},
    )
    said = type_in("check", path)
    assert (said.code, said.err) == (1, "")
    lines = said.out.splitlines()
    assert lines[0] == f"{path}:2: gateway.lissen: There is no such key. Did you mean `listen`?"
    assert lines[1] == '    lissen = "127.0.0.1:1"'
    assert f"{tmp_path / 'p.json'}:3: policies.p: /default: " in said.out
    assert '    "default": "maybe",' in lines
    assert "hunter2" not in said.out


def test_a_good_configuration_can_be_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what `check` says of the one in use."""
    monkeypatch.setenv("SUPPORT_AGENT_TOKEN", "a-token-that-nobody-sees")
    path = write(tmp_path, SERVER + GRANT)
    said = type_in("check", path)
    assert said.code == 0
    assert said.out.startswith(f"{path}:3: note: grants.agent: It has no policy, so every call is denied. ")
    assert "ok: grant agent: server payments, policy none, owner local:olivia" in said.out


@pytest.mark.parametrize("words", [("policy.txt",), ("a.json", "policy"), ("--tools", "tools.json")])
def test_what_check_cannot_take_is_misuse(words: tuple[str, ...]) -> None:
    """A file of another kind is not guessed at, and tools alone are not checked."""
    said = type_in("check", *words)
    assert (said.code, said.out) == (2, "")
