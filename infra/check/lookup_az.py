"""Asks the Azure CLI which options its commands take: `python -m infra.check.lookup_az AZ`.

AZ is the program of an installation aside (`pip install -r infra/lookup-az-requirements.txt`): it
is large and nothing else needs it. A new command is added to the table by its name alone.
"""

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
    if len(arguments) != 1:
        print("usage: python -m infra.check.lookup_az AZ", file=sys.stderr)
        return 2
    table, unknown = json.loads(TABLE.read_text("utf-8")), []
    version = json.loads(_ask(arguments[0], "version", "--output", "json"))
    table["azure-cli"] = version["azure-cli"]
    for command in sorted(table["commands"]):
        options = read_options(_ask(arguments[0], *command.split(), "--help"))
        table["commands"][command] = options
        if not options["options"]:
            unknown.append(command)
    if unknown:
        print(f"The Azure CLI does not know: {', '.join(unknown)}", file=sys.stderr)
        return 1
    table["commands"] = dict(sorted(table["commands"].items()))
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return 0


def _ask(program: str, *words: str) -> str:
    return subprocess.run([program, *words], capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
