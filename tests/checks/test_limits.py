"""Code that never ends, multiplies, fills the disk or floods the output is stopped and told."""

import sys
from pathlib import Path

from checks.sandbox import Limits, Sandbox
from sandbox.levels import Level
from tests.checks.inspection import (
    check,
    levels,
    result,
    running,
)


@levels
def test_a_child_that_goes_its_own_way_is_ended(tmp_path: Path, level: Level) -> None:
    name = f"sleeper-{tmp_path.parent.name}-{tmp_path.name}-{level.name}"
    tests = (
        "import os, sys\n"
        "def test_leave():\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        f"            os.execv(sys.executable, ['{name}', '-c', 'import time; time.sleep(600)'])\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )

    assert result(check(tmp_path, {"test_a.py": tests}, level))[0]
    assert not running(name)


@levels
def test_code_that_never_ends_is_stopped_and_its_children_with_it(
    tmp_path: Path, level: Level
) -> None:
    name = f"endless-{tmp_path.parent.name}-{tmp_path.name}-{level.name}"
    tests = (
        "import signal, subprocess, sys, time\n"
        "def test_forever():\n"
        "    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "        signal.signal(number, signal.SIG_IGN)\n"
        f"    subprocess.Popen(['{name}', '-c', 'import time; time.sleep(600)'],"
        " executable=sys.executable)\n"
        "    time.sleep(600)\n"
    )
    report = check(tmp_path, {"test_a.py": tests}, level, timeout_seconds=3)

    assert result(report) == (False, "It ran longer than 3 seconds and was stopped.")
    assert not running(name)


@levels
def test_a_fork_bomb_is_stopped(tmp_path: Path, level: Level) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "bomb.py").write_text(
        "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        time.sleep(60)\n"
        "        os._exit(0)\ntime.sleep(60)\n"
    )

    ended = Sandbox(code, level=level, limits=Limits(processes=50)).run(
        [sys.executable, "bomb.py"], 30 if level.proc or not level.isolated else 3
    )

    assert not ended.passed
    # Without /proc the processes of root cannot be counted: they end with the time.
    least = "processes" if level.proc or not level.isolated else "time"
    assert ended.ended == least or "unavailable" in ended.output


@levels
def test_the_disk_cannot_be_filled(tmp_path: Path, level: Level) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "fill.py").write_text(
        "for number in range(1000):\n    open(f'{number}', 'wb').write(b'x' * 1_000_000)\n"
    )
    small = Limits(space_bytes=20_000_000, file_bytes=5_000_000)

    ended = Sandbox(code, level=level, limits=small).run([sys.executable, "fill.py"], 60)

    assert not ended.passed
    assert ended.ended == "space" or "No space left" in ended.output


@levels
def test_a_large_file_is_cut_off(tmp_path: Path, level: Level) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "fill.py").write_text("open('x', 'wb').write(b'x' * 9_000_000)\n")

    ended = Sandbox(code, level=level, limits=Limits(file_bytes=5_000_000)).run(
        [sys.executable, "fill.py"], 60
    )

    assert not ended.passed
    assert "File too large" in ended.output


@levels
def test_a_command_that_exhausts_its_memory_fails_alone(tmp_path: Path, level: Level) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "eat.py").write_text("x = bytearray(3_000_000_000)\n")

    ended = Sandbox(code, level=level, limits=Limits(memory_bytes=1_000_000_000)).run(
        [sys.executable, "eat.py"], 60
    )

    assert (ended.passed, "MemoryError" in ended.output) == (False, True)


def test_a_hundred_megabytes_of_output_are_cut(tmp_path: Path) -> None:
    tests = (
        "def test_loud():\n    for _ in range(1000):\n        print('x' * 100_000)\n    assert 0\n"
    )
    report = check(tmp_path, {"test_a.py": tests}, tests=["pytest", "-q", "-s"])

    log = tmp_path / "out" / "tests.log"
    assert log.stat().st_size < 1_100_000
    assert "bytes are left out" in log.read_text()
    assert not result(report)[0]
