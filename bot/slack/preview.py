"""The samples as a page for a browser, near to how Slack lays them out: `python -m bot.slack.preview cards.html`.

For looking at what is drawn without a workspace. It is no picture of Slack: fonts, icons and times are a browser's own.
"""

import sys
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from bot.slack import samples

_PEOPLE = {"U01ALICE": "@alice", "U01BOB": "@bob", "U01OLIVIA": "@olivia", "S01ONCALL": "@payments-oncall"}
_STYLE = """
body{font:15px/1.47 Lato,"Helvetica Neue",Arial,sans-serif;color:#1d1c1d;background:#fff;margin:24px;max-width:700px}
h2{font-size:13px;font-weight:400;color:#616061;margin:32px 0 8px}
article{border-left:4px solid #ddd;padding:2px 0 2px 12px}
article.modal{border:1px solid #ddd;border-radius:8px;padding:12px 16px}
.header{font-size:18px;font-weight:900;margin:4px 0 8px;overflow-wrap:anywhere}
.section{white-space:pre-wrap;overflow-wrap:anywhere}
pre{font:12px/1.5 Menlo,Consolas,"DejaVu Sans Mono",monospace;background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:8px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0}
blockquote{border-left:4px solid #ddd;margin:4px 0;padding-left:12px}
.person{color:#1264a3;background:#e8f5fa;border-radius:3px;padding:0 2px}
code{color:#c01343;background:#f8f8f8;border:1px solid #ddd;border-radius:3px;padding:0 3px}
.context{color:#616061;font-size:13px;margin:6px 0}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
.actions span{border:1px solid #bbb;border-radius:8px;padding:4px 12px;font-weight:700}
.actions .primary{background:#007a5a;border-color:#007a5a;color:#fff}.actions .danger{background:#e01e5a;border-color:#e01e5a;color:#fff}
label{display:block;font-weight:700;margin-top:12px}.field{border:1px solid #bbb;border-radius:4px;padding:8px;color:#616061}
"""


def page() -> str:
    """Draw every sample under its name."""
    drawn = [_one(name, message.blocks, "message") for name, message in samples.messages().items()]
    drawn += [_one(name, view["blocks"], "modal", title=view["title"]) for name, view in samples.views().items()]
    head = f"<!doctype html><meta charset=utf-8><title>What Askfirst shows in Slack</title><style>{_STYLE}</style>"
    return head + "\n".join(drawn) + "\n"


def _one(name: str, drawn: Any, kind: str, *, title: Any = None) -> str:  # noqa: ANN401  # blocks as JSON
    top = f'<div class="header">{_plain(title)}</div>' if title else ""
    return f'<h2>{escape(name)}</h2><article id="{escape(name)}" class="{kind}">{top}{"".join(map(_block, drawn))}</article>'


def _plain(text: Mapping[str, Any]) -> str:
    return escape(str(text["text"]))


def _block(block: Mapping[str, Any]) -> str:
    return _BLOCKS[block["type"]](block)


def _rich(block: Mapping[str, Any]) -> str:
    return "".join(_PARTS[part["type"]]("".join(map(_element, part["elements"]))) for part in block["elements"])


def _element(element: Mapping[str, Any]) -> str:
    kind = element["type"]
    if kind == "text":
        style = element.get("style", {})
        text = escape(element["text"])
        text = f"<code>{text}</code>" if style.get("code") else text
        return f"<b>{text}</b>" if style.get("bold") else text
    if kind == "link":
        return f'<a href="{escape(element["url"])}">{escape(element.get("text", element["url"]))}</a>'
    if kind == "date":
        return escape(element["fallback"])
    if kind == "emoji":
        return f":{escape(element['name'])}:"
    key = element.get("user_id") or element["usergroup_id"]
    return f'<span class="person">{escape(_PEOPLE.get(key, key))}</span>'


def _actions(block: Mapping[str, Any]) -> str:
    buttons = (f'<span class="{escape(each.get("style", "plain"))}">{_plain(each["text"])}</span>' for each in block["elements"])
    return f'<div class="actions">{"".join(buttons)}</div>'


def _input(block: Mapping[str, Any]) -> str:
    told = block["element"].get("placeholder")
    optional = " (optional)" if block.get("optional") else ""
    return f'<label>{_plain(block["label"])}{optional}</label><div class="field">{_plain(told) if told else "&nbsp;"}</div>'


_BLOCKS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "header": lambda block: f'<div class="header">{_plain(block["text"])}</div>',
    "rich_text": _rich,
    "context": lambda block: f'<div class="context">{" ".join(map(_plain, block["elements"]))}</div>',
    "actions": _actions,
    "input": _input,
    "divider": lambda _: "<hr>",
}
_PARTS: Mapping[str, Callable[[str], str]] = {
    "rich_text_section": lambda inside: f'<div class="section">{inside}</div>',
    "rich_text_preformatted": lambda inside: f"<pre>{inside}</pre>",
    "rich_text_quote": lambda inside: f"<blockquote>{inside}</blockquote>",
}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
