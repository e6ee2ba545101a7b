"""What the texts say is weighed, and the reason is given with the words that decided."""

import pytest

from tests.unit.workflows.catalogue.definitions import category, tool
from workflows.calls import JSON
from workflows.catalogue import Category, Risk


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("cleanup_job", "Returns the state of the job.", Category.DESTRUCTIVE),  # money and deletion win, from the name
        ("get_session", "Deletes the session.", Category.DESTRUCTIVE),  # and from the description
        ("get_report", "Creates a report.", Category.READ),  # else the plain verb of the name
        ("query_report", "Creates a report.", Category.WRITE),  # a weak one yields to a plain description
        ("create_build", "Trigger a new build.", Category.EXECUTE),  # "create" says little
        ("add", "Add two numbers", Category.OTHER),  # the same verb, and the description knows its object
        ("zorp", "Creates a report.", Category.WRITE),
        ("zorp", "", Category.OTHER),
        ("", "", Category.OTHER),
        ("items", "Items. It also deletes the old ones.", Category.DESTRUCTIVE),
    ],
)
def test_the_worse_of_the_two_wins_and_else_the_name(name: str, description: str, expected: Category) -> None:
    """A tool that deletes and is called Read is the worst mistake."""
    assert category(name, description) is expected


@pytest.mark.parametrize(
    ("name", "description", "reason"),
    [
        ("delete_user", "", 'the name says "delete"'),
        ("zorp", "Deletes a user.", 'the description says "deletes"'),
        ("close_case", "Closes it. This cannot be undone.", 'the description says "cannot be undone"'),
        ("zorp", "", "nothing in it says what it does"),
    ],
)
def test_the_reason_quotes_the_words(name: str, description: str, reason: str) -> None:
    """A person can check them."""
    assert tool(name, description).evidence[-1] == reason


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("linear_removeLabel", "Takes it off: remove a label from an issue.", Category.WRITE),
        ("remove_label", "Deletes the label for everybody.", Category.DESTRUCTIVE),
        ("publish_note", "Publish a note. This cannot be undone.", Category.WRITE),  # nothing is lost
        ("publish_note", "Publish a note. Its draft is permanently deleted.", Category.DESTRUCTIVE),
        ("merge_account", "Merge two accounts. This cannot be undone.", Category.DESTRUCTIVE),
        ("manage_capabilities", "Get what the server can do.", Category.READ),
        ("manage_users", "Delete users.", Category.DESTRUCTIVE),
        ("verify_source", "Submit the source to an explorer that checks it.", Category.WRITE),
        ("echo_value", "Asks for approval before a value is repeated.", Category.OTHER),
        ("calculate", "Evaluate a mathematical expression.", Category.OTHER),
        ("write_store", "Execute a mutating command.", Category.EXECUTE),
        ("install_runtime", "Returns installation instructions for a runtime.", Category.READ),
        ("install_runtime", "Installs a runtime.", Category.EXECUTE),
        ("transact", "Execute SQL statements. In READ-ONLY MODE only reads are allowed.", Category.EXECUTE),
        ("decode_thing", "Decodes a thing. It returns the text.", Category.OTHER),
    ],
)
def test_the_description_knows_what_the_verb_leaves_open(name: str, description: str, expected: Category) -> None:
    """A label comes off without a loss, a frame says nothing itself, and a read-only mode is not always on."""
    assert category(name, description) is expected


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("generate_image", {"action": {"enum": ["generate", "status", "cancel"]}}, Category.EXECUTE),  # what it started
        ("generate_image", {"action": {"enum": ["generate", "terminate"]}}, Category.DESTRUCTIVE),
        ("manage_thread_subscription", {"action": {"enum": ["watch", "delete"]}}, Category.WRITE),
        ("manage_thread", {"action": {"enum": ["watch", "delete"]}}, Category.DESTRUCTIVE),
        ("payments", {"action": {"enum": ["list", "create"]}}, Category.FINANCIAL),
        ("extract_pages", {"output_dir": {"type": "string"}}, Category.WRITE),
        ("extract_pages", {"file_path": {"type": "string"}}, Category.READ),
    ],
)
def test_the_schema_is_evidence(name: str, schema: dict[str, JSON], expected: Category) -> None:
    """A bare choice is done to what the name names, and what is saved to a place is written."""
    assert category(name, "", {"type": "object", "properties": schema}) is expected


def test_a_write_without_a_way_back_is_of_high_risk() -> None:
    """It stays a write, and people are told."""
    assert tool("publish_note", "Publish a note. This cannot be undone.").risk is Risk.HIGH
    assert tool("publish_note", "Publish a note.").risk is Risk.MEDIUM


def test_a_word_that_is_as_often_a_noun_contradicts_nothing() -> None:
    """A server may rightly say that its comments are only read."""
    assert tool("play_style_comment", readOnlyHint=True).contradictions == ()
    assert tool("create_comment", readOnlyHint=True).contradictions != ()


def test_what_reads_and_then_writes_is_a_write() -> None:
    """The name tells only half of it."""
    assert category("download_model", "Download and import a model.") is Category.WRITE
    assert category("list_charges", "Lists charges and refunds.") is Category.READ


def test_on_a_screen_a_write_is_a_click() -> None:
    """But what is saved from it is saved."""
    assert category("browser_resize", "Resize the window.") is Category.EXECUTE
    assert category("browser_save_page", "Save the page.") is Category.WRITE


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        # money that is staked, held, made over, or reached through a membership
        ("new_order", "", Category.FINANCIAL),
        ("margin_place_oco", "Places an OCO (one cancels the other) order.", Category.FINANCIAL),
        ("increase_collateral", "", Category.FINANCIAL),
        ("set_white_balance", "", Category.WRITE),
        ("account_transfer", "Make a move between two accounts.", Category.FINANCIAL),
        ("new_transfer", "Make a transfer to a user.", Category.FINANCIAL),
        ("create_file_transfer", "", Category.WRITE),
        ("undo_payment", "", Category.FINANCIAL),
        ("release_escrow", "", Category.FINANCIAL),
        ("upgrade_membership", "", Category.FINANCIAL),
        ("move_funds", "", Category.FINANCIAL),
        ("distribute_rewards", "", Category.FINANCIAL),
        ("approve_payroll", "", Category.FINANCIAL),
        ("reverse_it", "Create a CreditReversal.", Category.FINANCIAL),
        ("company_lookup", "Looks a company up with automatic payment.", Category.FINANCIAL),
        ("open_long", "", Category.FINANCIAL),
        ("create_credit_note", "", Category.FINANCIAL),
        ("broadcast_tx", "", Category.FINANCIAL),
        ("broadcast_news", "", Category.WRITE),
        ("exchange_rate", "", Category.READ),
        ("order_book", "", Category.READ),
        # what a model, a console or a machine is given runs
        ("create_embeddings", "", Category.EXECUTE),
        ("consult", "Consult another LLM.", Category.EXECUTE),
        ("confirm_command", "", Category.EXECUTE),
        ("txt2img", "", Category.EXECUTE),
        ("music_gen", "", Category.EXECUTE),
        ("http_request", "", Category.EXECUTE),
        ("take_photo", "", Category.EXECUTE),
        ("request_quote", "", Category.READ),
        ("init_agent", "Initializes an agent.", Category.EXECUTE),
        ("transform_image", "", Category.EXECUTE),
        ("submit_job", "", Category.EXECUTE),
        ("write_to_terminal", "", Category.EXECUTE),
        ("move_mouse", "", Category.EXECUTE),
        ("close_terminal", "", Category.EXECUTE),
        # what runs only to look is read
        ("run_audit", "Run an audit of the page.", Category.READ),
        ("run_audit_script", "", Category.EXECUTE),
        ("contract_call", "Call a contract without sending a transaction.", Category.READ),
        ("load_dataset", "", Category.READ),
        ("load_extension", "", Category.EXECUTE),
        ("route_optimize", "Optimize the order of waypoints.", Category.READ),
        # what is only put into words or another notation does nothing
        ("generate_snippet", "Generates a snippet for the client.", Category.OTHER),
        ("generate_payment_link", "", Category.FINANCIAL),
        ("minify_yaml", "", Category.OTHER),
        ("minify_css", "", Category.EXECUTE),
        ("authorize", "Generates the address of the authorization URL.", Category.OTHER),
        ("subscribe_ticker", "Subscribe to a websocket.", Category.OTHER),
        ("subscribe_channel", "", Category.WRITE),
        # what is settled, or set back by hand, is not lost
        ("resolve_error", "Marks an error as resolved.", Category.WRITE),
        ("reset_location", "", Category.WRITE),
        ("reset_database", "", Category.DESTRUCTIVE),
        ("hdel", "", Category.DESTRUCTIVE),
        ("undeploy_app", "", Category.DESTRUCTIVE),
        ("format_disk", "", Category.DESTRUCTIVE),
    ],
)
def test_siblings_of_a_verb_are_read_like_it(name: str, description: str, expected: Category) -> None:
    """What moves money, runs, looks or is lost has many words."""
    assert category(name, description) is expected


def test_a_tool_that_manages_is_what_it_offers() -> None:
    """The worst of it, and a read where all of it reads."""
    assert category("manage_shares", "Manages shares, including creating, updating and deleting them.") is Category.DESTRUCTIVE
    assert category("access_tokens", "Manage tokens. Actions: - token_list: all. - token_revoke: one.") is Category.DESTRUCTIVE
    assert category("manage_builds", "Manage builds. Actions: build, status, cancel.") is not Category.DESTRUCTIVE
    assert category("manage_masters", 'Manage masters. operation: what to do ("list", "get_info")') is Category.READ
    assert category("manage_masters", 'Manage masters. operation: what to do ("list", "set_info")') is Category.WRITE
    assert category("manage_masters", "", {"properties": {"action": {"enum": ["list", "get"]}}}) is Category.READ
    assert category("manage_masters", "", {"properties": {"action": {"enum": ["list", "delete"]}}}) is Category.DESTRUCTIVE


def test_what_is_downloaded_into_a_file_is_a_write() -> None:
    """And what is only handed back is not."""
    assert category("download_media", "Download media to a local file.") is Category.WRITE
    assert category("download_media", "Download media as text.") is Category.READ


def test_a_way_to_something_is_not_what_is_switched_on() -> None:
    """A tool enables an extraction, and turns nothing on."""
    assert category("search_pages", "Search pages. Enables extraction from pages.") is Category.READ
    assert category("zorp", "Support for pages. Enables extraction from pages.") is not Category.WRITE
    assert category("feature", "Enables a feature.") is Category.WRITE


def test_a_name_of_several_things_lists_them_where_nothing_else_is_said() -> None:
    """Devices are listed; what may be payments, or anything, stays in doubt."""
    assert category("adb_devices") is Category.READ
    assert category("bank_payments") is not Category.READ
    assert category("page_actions") is not Category.READ
    assert category("adb_devices", "zorp") is Category.OTHER
