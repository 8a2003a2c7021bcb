"""python -m platform_jobs profile --data FILE --out FILE"""

import argparse
import json
import sys
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.profile import profile_table
from platform_jobs.tables import scan_table


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m platform_jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    profile = commands.add_parser("profile", help="write the figures of a file")
    profile.add_argument("--data", type=Path, required=True, help="the CSV file")
    profile.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    given = parser.parse_args(arguments)
    try:
        figures = profile_table(scan_table(given.data))
        given.out.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    except ContractError as error:
        print(f"platform_jobs: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
