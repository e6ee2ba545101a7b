"""The person that `--auto` plays reads forms as a browser does."""

from bot.demo.person import Form, forms

_PAGE = """
<form method="get" action="/history"><input name="words"></form>
<form method="post" action="/requests/apr_1/approve">
  <input type="hidden" name="csrf" value="abc"><input type="hidden" name="version" value="3">
  <textarea name="reason">old</textarea>
  <button name="choice" value="approve">Approve</button><button name="choice" value="deny">Deny</button>
  <button>Nameless</button>
</form>
<input name="outside" value="x">
"""


def test_a_form_that_posts_is_found_with_its_fields_and_buttons() -> None:
    """Forms that only search, and fields outside of forms, are left out."""
    assert forms(_PAGE) == [
        Form("/requests/apr_1/approve", {"csrf": "abc", "version": "3", "reason": ""}, [("choice", "approve"), ("choice", "deny")])
    ]
