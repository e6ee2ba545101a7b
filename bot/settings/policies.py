"""The section [policies]: each file is loaded, and what is wrong inside one is reported with its file, line and pointer."""

from collections.abc import Mapping

from bot.settings.problems import SettingProblem, dotted
from bot.settings.reading import Table
from bot.settings.references import Sources
from workflows import policy
from workflows.policy import Policy, PolicyInvalid

MAX_POLICY_BYTES = 4 * 1024 * 1024


def policies(root: Table, sources: Sources) -> dict[str, Policy]:
    """Read every policy file; one with a problem is left out."""
    section = root.table("policies")
    found: dict[str, Policy] = {}
    for name in section.named():
        file = section.text(name, 'write the path of a policy file, such as "policies/payments.json"')
        loaded = _load(section, name, file, sources) if file else None
        if loaded:
            found[name] = loaded
    return found


def _load(section: Table, name: str, file: str, sources: Sources) -> Policy | None:
    try:
        text = sources.read(sources.at(file), most=MAX_POLICY_BYTES)
    except ValueError as error:
        section.problem(name, str(error))
        return None
    try:
        return policy.load(text, name=name)
    except PolicyInvalid as error:
        path = dotted((*section.path, name))
        for problem in error.problems:
            where = f"{problem.pointer or 'the document'}: " if problem.pointer not in problem.message else ""
            section.findings.problems.append(SettingProblem(path, problem.line, f"{where}{problem.message}", file))
        return None


def quorums(policies_found: Mapping[str, Policy]) -> dict[str, dict[str, int]]:
    """For each policy, the largest number of approvals that one of its rules asks of a group."""
    return {name: _quorums(found) for name, found in policies_found.items()}


def _quorums(found: Policy) -> dict[str, int]:
    asked = dict.fromkeys(found.approver_groups, 0)
    holds = [rule.hold for entry in found.shape.entries for rule in entry.require_approval]
    for hold in (*holds, found.shape.fallback):
        if hold is not None:
            asked[hold.approvers] = max(asked.get(hold.approvers, 0), hold.quorum)
    return asked
