"""Read a configuration file and all that it points at, once, and complain once, about everything."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.settings import grants, groups, keys, listeners, places, policies, servers, slack, storage
from bot.settings.problems import Findings, SettingProblem, SettingsInvalid
from bot.settings.reading import Table
from bot.settings.references import Sources
from bot.settings.shapes import Base, Settings

MAX_CONFIG_BYTES = 1024 * 1024
_LINE = re.compile(r"\(at line (\d+)")


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read `path` and the files that it names; `environment` is where `env:NAME` is looked up.

    Raises SettingsInvalid with every problem, and with the files that were read until then.
    """
    sources, document = _open(path, environment)
    findings = sources.findings
    root = Table(document, (), findings, keys.ALL_SECTIONS)
    gateway, desk = listeners.sections(root)
    database, audit = storage.sections(root, sources)
    found_policies = policies.policies(root, sources)
    found_servers = servers.servers(root, sources)
    found_grants = grants.grants(root, sources, servers=_names(document, "servers"), policies=_names(document, "policies"))
    found_groups = groups.groups(root)
    found_slack = slack.slack(root, sources)
    groups.check(found_groups, quorums=policies.quorums(found_policies), grants=found_grants, findings=findings)
    _refuse(findings)
    return Settings(
        path=path.absolute(),
        directory=sources.directory,
        gateway=gateway,
        desk=desk,
        database=database,
        audit=audit,
        servers=MappingProxyType(found_servers),
        policies=MappingProxyType(found_policies),
        grants=MappingProxyType(found_grants),
        groups=MappingProxyType(found_groups),
        slack=found_slack,
        files=tuple(findings.files),
        notes=tuple(findings.notes),
    )


def base(path: Path, environment: Mapping[str, str]) -> Base:
    """Read only what reaches the database and the desk: no secret of a server or grant is needed, and no problem of theirs matters.

    Raises SettingsInvalid with every problem of the sections that it reads.
    """
    sources, document = _open(path, environment)
    root = Table(document, (), sources.findings)
    gateway, desk = listeners.sections(root)
    database, audit = storage.sections(root, sources)
    _refuse(sources.findings)
    return Base(
        desk=desk,
        database=database,
        audit=audit,
        gateway=gateway,
        servers=tuple(_names(document, "servers")),
        policies=tuple(_names(document, "policies")),
    )


def _open(path: Path, environment: Mapping[str, str]) -> tuple[Sources, dict[str, Any]]:
    path = path.absolute()
    sources = Sources(environment, path.parent, Findings(path.name, {}))
    return sources, _document(path, sources)


def _refuse(findings: Findings) -> None:
    if findings.problems:
        raise SettingsInvalid(_in_order(findings.problems, findings.file), files=findings.files)


def _document(path: Path, sources: Sources) -> dict[str, Any]:
    findings = sources.findings
    try:
        text = sources.read(path, most=MAX_CONFIG_BYTES).removeprefix("\ufeff")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        findings.lines = {(): int(line[1])} if line else {}
        findings.problem((), f"This is not TOML: {error}.")
    except RecursionError:
        findings.problem((), "It is nested too deeply. Write it flatter.")
    except ValueError as error:
        remedy = " `askfirst init` writes a first one." if not path.exists() else ""
        findings.problem((), f"{error}{remedy}")
    else:
        findings.lines = places.find(text)
        return document
    raise SettingsInvalid(findings.problems, files=findings.files)


def _names(document: Mapping[str, Any], section: str) -> list[str]:
    """Give the names of a section, those with problems too: a reference to one of them is not a second problem."""
    entries = document.get(section)
    return list(entries) if isinstance(entries, dict) else []


def _in_order(problems: Iterable[SettingProblem], config: str) -> list[SettingProblem]:
    """Sort as one reads: the config file from top to bottom, then the files that it names."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file != config, problem.file, problem.line or 0))
