"""The page of samples draws each of them, and lets nothing out of its place."""

from bot.slack import preview, samples


def test_every_sample_is_on_the_page() -> None:
    """A block that the page cannot draw would be an error here."""
    page = preview.page()
    for name in (*samples.messages(), *samples.views()):
        assert f'<article id="{name}"' in page


def test_what_stands_in_a_block_stays_text() -> None:
    """T04: markup in a text is shown, not followed."""
    drawn = preview._block({"type": "header", "text": {"type": "plain_text", "text": "<script>alert(1)</script>"}})
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
