"""The project of a shell script that the documentation shows."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "model-contract.md"
_BLOCK = re.compile(r"^```sh\n(# A straight line.*?)^```", re.DOTALL | re.MULTILINE)
[SCRIPT] = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def write_script(code: Path, name: str) -> Path:
    """Write `model.sh` into the folder of a project below the code; return the folder."""
    folder = code / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.sh").write_text(SCRIPT, encoding="utf-8")
    return folder
