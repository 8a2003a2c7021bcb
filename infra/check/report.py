"""Runs every check, in the order in which one makes sense after the other."""

from dataclasses import dataclass
from pathlib import Path

from infra.check import host, names, policy, properties, roles, settings, structure, versions
from infra.check.problems import Problem
from infra.check.program import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at and what was found."""

    summary: str
    problems: tuple[Problem, ...]


def run(root: Path, repository: Path) -> Report:
    """Check the folder `root` against the app in `repository`.

    A file that does not parse hides what is in it, so the other checks wait until all do.
    """
    program, problems = load(root)
    if not problems:
        problems += structure.check(program)
        problems += policy.check(program)
        problems += versions.check(program)
        problems += roles.check(program, repository)
    if not problems:
        # These work out values, which needs symbols and modules that are there.
        problems += names.check(program)
        problems += settings.check(program, repository)
        problems += properties.check(program)
        problems += host.check(program, repository)
    resources = sum(len(file.of("resource")) for file in program.templates())
    assignments = len(roles.read_rows(root))
    summary = f"{len(program.files)} files, {resources} resources, {assignments} roles"
    return Report(summary=summary, problems=tuple(sorted(set(problems))))
