"""Where each key of a TOML text stands."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from bot.settings.places import find
from bot.settings.problems import KeyPath, dotted
from tests.unit.bot.configs import toml

TEXT = '''\
# a comment with [brackets] and = signs
top = """
[not.a.table]
x = "\\"""
"""
[servers.payments]   # a table
url = "http://127.0.0.1#not-a-comment"
headers = { "X-A" = 'b', C.d = [1, { e = 2 }] }
command = [
  "python",  # an element
  "server.py",
]
raw = \'\'\'
[nor.this]
\'\'\'

  [ groups . "a b" ]
members = []
[[many]]
x = 1
[[many]]
y = 2
'''


def test_lines_of_keys() -> None:
    """Tables, dotted and quoted keys, inline tables and array elements are found; what is inside texts is not."""
    lines = find(TEXT)
    assert lines[("top",)] == 2
    assert lines[("servers",)] == lines[("servers", "payments")] == 6
    assert lines[("servers", "payments", "url")] == 7
    assert lines[("servers", "payments", "headers", "X-A")] == 8
    assert lines[("servers", "payments", "headers", "C", "d", 1, "e")] == 8
    assert lines[("servers", "payments", "command", 1)] == 11
    assert lines[("servers", "payments", "raw")] == 13
    assert lines[("groups", "a b", "members")] == 18
    assert lines[("many", "y")] == 22
    assert not {"not", "nor"} & {path[0] for path in lines}


def test_paths_are_written_as_toml_writes_them() -> None:
    """A key that needs quotes has them, an element its number."""
    assert dotted(("groups", "a b", "members", 0)) == 'groups."a b".members[0]'
    assert dotted(()) == ""


_texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8)
_values = st.recursive(
    st.one_of(st.integers(-5, 5), st.booleans(), _texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def _paths(value: object, path: KeyPath) -> set[KeyPath]:
    found = {path} if path else set()
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        found |= _paths(item, (*path, key))
    return found


@given(st.dictionaries(_texts, _values, max_size=4))
def test_every_path_has_a_line(document: dict[str, object]) -> None:
    """Whatever tomllib reads, each of its paths has a line, and no path has one that is not there."""
    text = "".join(f"{toml(key)} = {toml(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    lines = find(text)
    assert set(lines) == _paths(document, ())
    for key in document:
        assert text.splitlines()[lines[(key,)] - 1].startswith(toml(key)) or not key.isprintable()


@given(st.text("[]{}=\"'#\\\n,. ab1"))
def test_the_walk_ends_on_any_text(text: str) -> None:
    """A text that is no TOML never makes it hang or fail."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    find(text)
