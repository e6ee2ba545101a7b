"""Every section and key that a configuration may have. What is not here is a mistake, and the closest word is suggested."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "gateway": (
        "listen",
        "allowed_hosts",
        "allowed_origins",
        "max_body_bytes",
        "max_depth",
        "max_header_bytes",
        "hold_budget_seconds",
        "connect_timeout_seconds",
        "upstream_timeout_seconds",
        "max_pending_per_grant",
    ),
    "desk": ("listen", "public_url", "allow_remote", "session_hours"),
    "database": ("url",),
    "audit": ("forwarded", "anchor"),
    "slack": (
        "mode",
        "channel",
        "fallback_channel",
        "api_url",
        "admins",
        "bot_token",
        "app_token",
        "signing_secret",
        "listen",
        "command",
        "arguments",
    ),
}
ENTRIES: Mapping[str, tuple[str, ...]] = {
    "servers": ("url", "command", "environment", "headers"),
    "policies": (),
    "grants": ("server", "policy", "owner", "token", "token_sha256", "hold_budget_seconds"),
    "groups": (
        "members",
        "slack_user_groups",
        "self_approval",
        "quorum",
        "channel",
        "allow_guests",
        "allow_external",
        "direct_messages",
    ),
}
ALL_SECTIONS = (*SECTIONS, *ENTRIES)


def closest(word: str, words: Iterable[str]) -> str | None:
    """Give the word that was probably meant, or None."""
    found = get_close_matches(word.lower().replace("-", "_"), list(words), n=1, cutoff=0.6)
    return found[0] if found else None


def remedy(word: str, words: Iterable[str], *, section: str | None = None) -> str:
    """Say what to write instead of an unknown key: the closest one, where it belongs, or all that there are."""
    known = tuple(words)
    meant = closest(word, known)
    if meant:
        return f"Did you mean `{meant}`?"
    for other, keys in SECTIONS.items():
        if other != section and word in keys:
            return f"It belongs in [{other}]."
    for other, keys in ENTRIES.items():
        if other != section and word in keys:
            return f"It belongs in [{other}.NAME]."
    return f"Known here: {', '.join(known)}." if known else "Remove it."
