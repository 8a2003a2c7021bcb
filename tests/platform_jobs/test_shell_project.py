"""A project of shell scripts keeps the contract by the module that the documentation shows."""

import re
from pathlib import Path

import pytest

from platform_jobs.__main__ import main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "model-contract.md"
SCRIPTS = {
    "train": """awk -F, 'NR > 1 { sum += $NF; n++ } END { print sum / n }' "$2/rows.csv" > "$4/mean" """,
    "predict": """mean=$(cat "$2/mean") || exit 3
awk -v mean="$mean" 'NR == 1 { print "prediction"; next } { print mean }' "$4" > "$6"
""",
    "sample": """awk 'BEGIN { print "a,Y"; for (n = 0; n < 40; n++) print n "," n % 7 }' > "$2" """,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the project `shell`."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    [module] = [block for block in blocks if '"sh"' in block]
    folder = tmp_path / "shell"
    folder.mkdir()
    (folder / "__main__.py").write_text(module)
    for name, script in SCRIPTS.items():
        (folder / f"{name}.sh").write_text(script)
    return tmp_path


def contract(code: Path) -> int:
    return main(["contract", "--module", "shell", "--code", str(code)])


def test_scripts_keep_the_contract(project: Path) -> None:
    assert contract(project) == 0


def test_the_last_line_of_a_script_is_the_reason(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "shell" / "train.sh").write_text("echo 'column a is constant' >&2; exit 7")

    assert contract(project) == 1
    assert "train ended with exit code 7: column a is constant" in capsys.readouterr().out
