"""Attacks by files from outside: packages under a known name, and reports of test tools."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from checks.reports import read_coverage, read_junit
from tests.attacks.attack import attack, no_equivalent, same_code

ROOT = Path(__file__).parents[2]
FIRST = re.compile(r"^(?P<name>[\w-]+)==(?P<version>[^\s;]+)(?:.*\\\n)+.*\n", re.MULTILINE)
ENTITY = '<!DOCTYPE {root} [<!ENTITY word "{value}">]>'


def write_wheel(folder: Path, name: str, version: str) -> None:
    """Write a package of this name and version with other content."""
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("changed.py", "CHANGED = True\n")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        about = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{stem}.dist-info/WHEEL", about)
        wheel.writestr(f"{stem}.dist-info/RECORD", "")


@attack(
    point=11,
    does="serves a changed file under the name and version of a package that the app or the "
    "scoring image installs",
    answer="the installer refuses the file: its hash is not in the list",
    log="the output of the installation",
    before="succeeded",
    azure=no_equivalent("the installation reads the same lists of requirements everywhere."),
    by="trial",
)
@pytest.mark.parametrize("listed", ["requirements.txt", "scoring/requirements.txt"])
def test_a_changed_package_is_not_installed(tmp_path: Path, listed: str) -> None:
    entry = FIRST.search((ROOT / listed).read_text())
    assert entry is not None
    write_wheel(tmp_path, entry["name"], entry["version"])
    (tmp_path / "one.txt").write_text(entry[0])

    def install(*words: str) -> subprocess.CompletedProcess[str]:
        source = ["--no-deps", "--no-index", "--find-links", str(tmp_path)]
        target = ["--target", str(tmp_path / "installed"), "--python", sys.executable]
        command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--no-cache"]
        words = (*command, *source, *target, *words)
        return subprocess.run(words, capture_output=True, text=True, check=False)

    ended = install("-r", str(tmp_path / "one.txt"))

    assert ended.returncode != 0
    assert "hash" in ended.stderr.lower()
    assert not (tmp_path / "installed" / "changed.py").exists()
    # The file is refused for its hash only: without the list it is installed.
    assert install(f"{entry['name']}=={entry['version']}").returncode == 0


@attack(
    point=11,
    does="writes a report of tests or of coverage whose document type declares entities",
    answer="the report is not read, so that the check fails",
    log="checks.json: the check's detail",
    before="refused",
    azure=same_code("checks/reports.py"),
    by="trial",
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_of_a_report_are_not_expanded(encoding: str) -> None:
    def junit(word: str) -> str:
        return f'<testsuite><testcase name="a"><failure message="{word}"/></testcase></testsuite>'

    def coverage(rate: str) -> str:
        return f'<coverage line-rate="{rate}"/>'

    assert read_junit(junit("expanded").encode(encoding)) is not None
    assert read_coverage(coverage("0.5").encode(encoding)) == 50.0
    tests = ENTITY.format(root="testsuite", value="expanded") + junit("&word;")
    rate = ENTITY.format(root="coverage", value="0.5") + coverage("&word;")
    assert read_junit(tests.encode(encoding)) is None
    assert read_coverage(rate.encode(encoding)) is None
