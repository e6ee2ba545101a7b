"""From text to a policy that can be asked. Law: a policy loads whole or not at all, and what is wrong is told all at once."""

import hashlib
from dataclasses import replace
from typing import Final

from workflows.policy import intercept, json_text, validating, yaml_text
from workflows.policy.evaluating import Policy
from workflows.policy.intercept_texts import worded
from workflows.policy.json_text import Source, nearest
from workflows.policy.shapes import PolicyInvalid, Problem

LONGEST_JSON: Final = 1_000_000
LONGEST_YAML: Final = 200_000


def load(text: str, *, name: str) -> Policy:
    """Read a policy, PolicyLayer's or Intercept's, from JSON (text that starts with a brace or bracket) or YAML (any other text).

    Raises PolicyInvalid with every problem, in the order of the document. Pass the file's text as it is, without translating line ends, so
    that `Policy.sha256` is the checksum of the file. JSON may have 1,000,000 characters, YAML 200,000.
    """
    try:
        digest = hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise PolicyInvalid(name, [Problem("", None, "The document holds half of a character: write it in UTF-8.")]) from error
    source = _source(text.removeprefix("\ufeff"))
    is_theirs = intercept.is_intercept(source.value)
    settled = [each.note for each in source.disputes if each.note is not None]
    problems = [*source.problems, *(each.problem for each in source.disputes if not is_theirs or each.note is None)]
    written = {problem.pointer for problem in problems}

    def report(pointer: str, message: str) -> None:
        if pointer not in written:
            problems.append(Problem(pointer, line_of(source, pointer), message))

    unread = source.value is None and source.problems
    read_shape = intercept.shape if is_theirs else validating.shape
    source = replace(source, value=worded(source.value)) if is_theirs else source
    shape = None if unread else read_shape(source.value, report)
    if shape is None or problems or not isinstance(source.value, dict):
        raise PolicyInvalid(name, sorted(problems, key=lambda problem: problem.line or 0))
    notes = tuple(replace(note, line=line_of(source, note.pointer)) for note in shape.notes)
    return Policy(name, digest, source.value, replace(shape, notes=(*settled, *notes)), source.lines)


def read(text: str) -> Source:
    """Read JSON or YAML text strictly, with the line of every place: a disputed word is a problem."""
    source = _source(text)
    return replace(source, problems=(*source.problems, *(each.problem for each in source.disputes)), disputes=())


def _source(text: str) -> Source:
    is_json = text.lstrip()[:1] in ("{", "[")
    longest = LONGEST_JSON if is_json else LONGEST_YAML
    if len(text) > longest:
        kind = "JSON" if is_json else "YAML"
        return Source(
            None, problems=(Problem("", None, f"The document is longer than {longest:,} characters of {kind}: split the policy."),)
        )
    return json_text.read(text) if is_json else yaml_text.read(text)


def line_of(source: Source, pointer: str) -> int | None:
    """Find the line of a place, or of the nearest place around it."""
    return nearest(source.lines, pointer)
