"""Write docs/explanation/cost.md (`--write-docs`), or print it."""

import sys

from infra.cost.page import write_page
from infra.cost.sheet import FOLDER, read_sheet


def main(arguments: list[str]) -> int:
    """Write or print the page."""
    page = write_page(read_sheet())
    if arguments == ["--write-docs"]:
        (FOLDER.parents[1] / "docs" / "explanation" / "cost.md").write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
