"""Each resource's api-version against the list of those that were looked up."""

import json
from collections.abc import Iterator

from infra.check.problems import Problem
from infra.check.program import Program

FILE = "api-versions.json"


def check(program: Program) -> Iterator[Problem]:
    """Yield every api-version that nobody looked up, and every entry of the list that is spare."""
    listed: dict[str, dict[str, str]] = json.loads((program.root / FILE).read_text("utf-8"))
    used = set()
    for file in program.templates():
        for declaration in file.of("resource"):
            used.add(declaration.type)
            if declaration.type not in listed["versions"]:
                text = f"{declaration.type} is not in {FILE}. Look it up and say where."
                yield Problem(path=file.path, line=declaration.line, text=text)
    for spare in sorted(set(listed["versions"]) - used):
        yield Problem(path=FILE, line=1, text=f"{spare} is not used any more.")
