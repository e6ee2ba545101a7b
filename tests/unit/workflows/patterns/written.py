"""Makes random patterns of the kinds that people write, and texts in which they may be found."""

from hypothesis import strategies as st

LETTERS = ["a", "b", "A", "1", "_", " ", "-", "\n", "é"]
texts = st.text(st.sampled_from(LETTERS), max_size=8)

_ONE = [
    *("a", "b", "A", "1", "_", " ", "-", "é", "ab", "."),
    *(r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\.", r"\-", r"\n", r"\x61", r"\x{e9}"),
    *("[ab]", "[^ab]", "[a-z]", "[^a-z1]", r"[\d_]", r"[^\s]", "[]a]", "[^]a]", "[a-]", r"[\x30-\x39]", r"[\s\S]", "[A-z]"),
    *(r"\b", "^", "$", r"\A", r"\z"),
    *("(?i)a", "(?i:A)b", "(?i)[a-b]", "(?i)é", "(?s).", "(?m)^", "(?m)$", "(?-s).", "(?i)[^a]"),
]
_TIMES = ["*", "+", "?", "{2}", "{1,}", "{0,2}", "{2,3}", "*?", "+?", "??", "{1,2}?"]

patterns: st.SearchStrategy[str] = st.recursive(
    st.sampled_from(_ONE),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        st.builds(
            lambda opening, each: f"{opening}{each})", st.sampled_from(["(", "(?:", "(?P<n>", "(?<m>", "(?i:", "(?s:", "(?m:"]), inner
        ),
        st.builds(lambda each, times: f"(?:{each}){times}", inner, st.sampled_from(_TIMES)),
    ),
    max_leaves=6,
)
