"""One tool is read whole, and what is held against the sample are the categories that a careful person gives."""

import json
from pathlib import Path
from typing import Any

from workflows.catalogue import Category, classify

DATA = Path(__file__).parents[3] / "data" / "catalogue"


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def test_the_sample_is_classified_as_a_careful_person_would() -> None:
    """At least 93 in 100 agree, and no tool that deletes or moves money is called Read."""
    rows = _rows("sample.jsonl")
    found = [(row.get("better") or row["category"], classify({"name": row["tool"], "description": row.get("description")})) for row in rows]
    wrong = [(got.tool, want, got.category.value) for want, got in found if got.category.value != want]
    assert len(wrong) <= len(rows) * 0.07, wrong
    assert [tool for tool, want, got in wrong if Category(want).grave and got == Category.READ] == []
