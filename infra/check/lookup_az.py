"""Asks the Azure CLI which options its commands take: `python -m infra.check.lookup_az AZ`.

AZ is the program of an installation aside (`pip install -r infra/lookup-az-requirements.txt`): it
is large and nothing else needs it. A new command is added to the table by its name alone.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[1] / "az-options.json"
_OPTION = re.compile(r"^ {4}(-\S+(?: -\S+)*) +(?:\[[A-Z]\w+\] +)*:", re.MULTILINE)
_REQUIRED = re.compile(r"^ {4}(-\S+(?: -\S+)*) +(?:\[[A-Z]\w+\] +)*\[Required\] +:", re.MULTILINE)


def read_options(text: str) -> dict[str, Any]:
    """Return the options that a command's help names, and all spellings of each required one."""
    options = {name for names in _OPTION.findall(text) for name in names.split()}
    return {"options": " ".join(sorted(options)), "required": _REQUIRED.findall(text)}


def main(arguments: list[str]) -> int:
    """Fill the table in again; return 1 when a command is unknown."""
    parser = argparse.ArgumentParser(prog="python -m infra.check.lookup_az", description=__doc__)
    parser.add_argument("az", metavar="AZ", help="program of the Azure CLI")
    az, table = parser.parse_args(arguments).az, json.loads(TABLE.read_text("utf-8"))
    version = json.loads(_ask(az, "version", "--output", "json"))["azure-cli"]
    pages = {name: _ask(az, *name.split(), "--help") for name in sorted(table["commands"])}
    commands = {name: read_options(page) for name, page in pages.items()}
    if unknown := [name for name, read in commands.items() if not read["options"]]:
        print(f"The Azure CLI does not know: {', '.join(unknown)}", file=sys.stderr)
        return 1
    table |= {"azure-cli": version, "commands": commands}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return 0


def _ask(program: str, *words: str) -> str:
    return subprocess.run([program, *words], capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
