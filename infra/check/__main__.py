"""`python -m infra.check`: every check, its findings, and the pages that are made from tables."""

import sys
from pathlib import Path

from infra.check.report import run
from infra.check.role_page import write_page

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Print what is wrong; return 1 when anything is."""
    if arguments == ["--write-docs"]:
        (ROOT / "docs" / "roles.md").write_text(write_page(ROOT / "infra"), encoding="utf-8")
        return 0
    if arguments:
        print("usage: python -m infra.check [--write-docs]", file=sys.stderr)
        return 2
    report = run(ROOT / "infra", ROOT)
    for problem in report.problems:
        print(f"infra/{problem}")
    print(f"{report.summary}: {len(report.problems)} problems")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
