"""Names of the configuration, as they are typed."""

import pytest

from bot.cli.names import UnknownName, known


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["bank", "files"], "There is no server bnk in the configuration. Did you mean bank?"),
        (["files"], "There is no server bnk in the configuration. There are: files."),
        ([], "There is no server bnk in the configuration. Declare it in [servers.NAME]."),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_a_remedy(names: list[str], sentence: str) -> None:
    """The one that was meant, those there are, or where to declare one."""
    known("bank", ["bank"], "server", "[servers.NAME]")
    with pytest.raises(UnknownName) as refused:
        known("bnk", names, "server", "[servers.NAME]")
    assert str(refused.value) == sentence
