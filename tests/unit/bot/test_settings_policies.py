"""The section [policies]."""

from pathlib import Path

import pytest

from bot.settings import SettingsInvalid
from tests.unit.bot.configs import POLICY, only, problems, read


def test_policies_are_loaded_relative_to_the_config_file(tmp_path: Path) -> None:
    """A policy goes by its name in the config; its file is watched."""
    text = '[policies]\np = "deep/p.json"\n[groups.payments]\nmembers = ["local:alice"]\n'
    settings = read(tmp_path, text, {"deep/p.json": POLICY})
    assert settings.policies["p"].name == "p"
    assert tmp_path / "deep" / "p.json" in settings.files


def test_problems_inside_a_policy_come_with_file_line_and_pointer(tmp_path: Path) -> None:
    """They stand beside the problems of the config itself, after them."""
    text = '[policies]\np = "p.json"\nq = "nowhere.json"\n'
    bad = '{\n  "version": "1",\n  "default": "deny",\n  "tolls": {},\n  "tools": {}\n}'
    missing, inside = problems(tmp_path, text, {"p.json": bad})
    assert (missing.path, missing.line) == ("policies.q", 3)
    assert "There is no file" in missing.message
    assert (inside.path, inside.file) == ("policies.p", "p.json")
    assert "/tolls" in inside.message
    assert str(inside).startswith("p.json:4: policies.p: ")


@pytest.mark.parametrize(
    ("line", "message"), [("p = 3", "write the path of a policy file"), ('p = ""', "Found an empty text"), ('p = "."', "cannot be read")]
)
def test_what_is_no_policy_file(tmp_path: Path, line: str, message: str) -> None:
    """A policy is a path of a file that can be read."""
    assert message in only(problems(tmp_path, f"[policies]\n{line}\n")).message


def test_a_broken_policy_is_still_watched(tmp_path: Path) -> None:
    """When its file is mended, the configuration is read again."""
    with pytest.raises(SettingsInvalid) as refusal:
        read(tmp_path, '[policies]\np = "p.json"\n', {"p.json": "{"})
    assert tmp_path / "p.json" in refusal.value.files
