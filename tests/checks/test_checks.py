"""Checks of hostile code: each attack is contained and reported, at every level of isolation."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from checks.sandbox import Sandbox
from sandbox.levels import Level
from tests.checks.inspection import (
    BEST,
    ROOT,
    check,
    isolated,
    levels,
    result,
    running,
)
from tests.funchost.conftest import until
from tests.platform_jobs.shell_project import SCRIPT
from tests.platform_jobs.toys import write_project


def test_good_code_passes_every_check_and_leaves_its_reports(tmp_path: Path) -> None:
    lines = "".join(f"{n},{n % 5}\n" for n in range(40))
    (tmp_path / "reference.csv").write_text(f"x,Y\n{lines}")
    write_project(tmp_path / "toys", name="trainer")
    report = check(
        tmp_path,
        {
            "half.py": "def half(x):\n    if x > 100:\n        return 50\n    return x / 2\n",
            "test_half.py": "from half import half\n\n\ndef test_half():\n    assert half(2) == 1\n",
            "trainer.py": (tmp_path / "toys" / "trainer.py").read_text(),
        },
        lint=["ruff", "check", "--no-cache", "half.py"],
        training="trainer",
        dry_run=True,
    )

    assert [(r["name"], r["passed"]) for r in report["results"]] == [
        ("lint", True),
        ("tests", True),
        ("dry run", True),
    ]
    assert result(report, "dry run")[1].startswith("It keeps the contract. predict: ")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "checks.json",
        *sorted(report["files"]),
    ]
    assert 0 < report["coverage"] < 100
    assert not (tmp_path / "code" / ".pytest_cache").exists(), "the code itself is not touched"
    assert report["isolation"] == str(BEST)


def test_a_dry_run_walks_a_command_of_words_through_the_contract(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        {"line/model.sh": SCRIPT},
        tests=[],
        data=False,
        training="line",
        command=["sh", "model.sh"],
        dry_run=True,
    )

    passed, detail = result(report, "dry run")
    assert passed, detail
    assert detail.startswith("It keeps the contract. predict: ")


def test_the_first_failing_test_is_named(tmp_path: Path) -> None:
    tests = "def test_a():\n    pass\n\n\ndef test_b():\n    total = 1\n    assert total == 2, 'sums are wrong'\n"
    report = check(tmp_path, {"test_sum.py": tests}, lint=["ruff", "check", "--no-cache", "."])

    passed, detail = result(report)
    assert not passed
    assert detail.startswith("1 of 2 tests failed, first test_sum::test_b: AssertionError: sums")
    assert result(report, "lint")[0], "what failed does not keep the others from running"


def test_a_lint_failure_names_the_first_complaint(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        {"a.py": "import os\n", "test_a.py": "def test_a():\n    pass\n"},
        lint=["ruff", "check", "--no-cache", "--output-format=concise", "."],
    )

    passed, detail = result(report, "lint")
    assert not passed
    assert "a.py:1:8: F401" in detail


@levels
def test_the_environment_holds_no_secret_of_the_app(tmp_path: Path, level: Level) -> None:
    tests = (
        "import os\n"
        "def test_environ():\n"
        "    assert 's3cret' not in str(os.environ)\n"
        "    assert not [n for n in os.environ if n.startswith(('MLOPS', 'AZURE', 'FUNC'))]\n"
    )

    assert result(check(tmp_path, {"test_a.py": tests}, level)) == (True, "1 test passed.")


@isolated
def test_neither_other_processes_nor_their_secrets_can_be_seen(tmp_path: Path) -> None:
    tests = (
        "import os, pathlib\n"
        "def test_processes():\n"
        "    for name in (n for n in os.listdir('/proc') if n.isdigit()):\n"
        "        path = pathlib.Path('/proc', name, 'environ')\n"
        "        try:\n"
        "            assert b's3cret' not in path.read_bytes()\n"
        "        except PermissionError:\n"
        "            pass\n"
        "    pids = [n for n in os.listdir('/proc') if n.isdigit()]\n"
        "    assert len(pids) == 2, pids\n"
    )

    assert result(check(tmp_path, {"test_a.py": tests})) == (True, "1 test passed.")


@pytest.mark.skipif(not BEST.isolated, reason="this system gives no network namespace")
def test_no_socket_leads_out_and_this_machine_is_another_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tests = (
            "import socket, pytest\n"
            f"@pytest.mark.parametrize('place', [('127.0.0.1', {port}), ('1.1.1.1', 443)])\n"
            "def test_connect(place):\n"
            "    with pytest.raises(OSError):\n"
            "        socket.create_connection(place, timeout=5)\n"
            "def test_own_server():\n"
            "    with socket.create_server(('127.0.0.1', 0)) as server:\n"
            "        socket.create_connection(server.getsockname(), timeout=5).close()\n"
        )
        report = check(tmp_path, {"test_a.py": tests})

    assert result(report) == (True, "3 tests passed.")


@isolated
def test_files_outside_cannot_be_written_and_hidden_ones_not_read(tmp_path: Path) -> None:
    (tmp_path / "approver.token").write_text("s3cret")
    place = ROOT / "written-by-a-check"
    name = f"x-{tmp_path.parent.name}"
    tests = (
        "import pathlib, pytest\n"
        f"@pytest.mark.parametrize('place', ['{place}', '{tmp_path}/x', '/etc/x', '/x',"
        f" '/tmp/{name}', '/var/tmp/{name}', '/proc/sys/kernel/core_pattern'])\n"
        "def test_write(place):\n"
        "    with pytest.raises(OSError):\n"
        "        pathlib.Path(place).write_text('x')\n"
        "def test_read():\n"
        f"    assert not pathlib.Path('{tmp_path}/approver.token').exists()\n"
        "    assert pathlib.Path('/run').exists() and not list(pathlib.Path('/run').iterdir())\n"
        "    assert not [n for n in pathlib.Path('/dev').iterdir() if n.is_block_device()]\n"
    )

    assert result(check(tmp_path, {"test_a.py": tests})) == (True, "8 tests passed.")
    assert not place.exists()


@isolated
def test_the_isolation_cannot_be_taken_off_from_inside(tmp_path: Path) -> None:
    tests = (
        "import os, subprocess, pytest\n"
        "@pytest.mark.parametrize('words', [['mount', '-o', 'remount,rw', '/'],\n"
        "    ['mount', '-t', 'tmpfs', 'none', '/etc'], ['umount', '/tmp'],\n"
        "    ['nsenter', '--target', '1', '--mount', 'true'],\n"
        "    ['unshare', '--user', '--map-root-user', '--mount', 'mount', '-o', 'remount,rw', '/'],\n"
        "    ['mknod', 'disk', 'b', '254', '0'], ['ip', 'link', 'add', 'x', 'type', 'dummy']])\n"
        "def test_refused(words):\n"
        "    assert subprocess.run(words, capture_output=True).returncode\n"
        "def test_powers():\n"
        "    assert 'CapEff:\\t0000000000000000' in open('/proc/self/status').read()\n"
        "    os.kill(1, 9)\n"
    )

    passed, detail = result(check(tmp_path, {"test_a.py": tests}))
    assert (passed, detail) == (True, "8 tests passed.")


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "(os.symlink('/etc/passwd', '../reports/junit.xml'), os._exit(0))",
        "(os.mkfifo('../reports/junit.xml'), os._exit(0))",
        "(os.rmdir('../reports'), os.symlink('/etc', '../reports'), os._exit(0))",
        "(open('../reports/junit.xml', 'w').write('<a'), os._exit(0))",
    ],
)
def test_tests_that_end_early_or_forge_their_report_do_not_pass(tmp_path: Path, body: str) -> None:
    report = check(tmp_path, {"test_a.py": f"import os\ndef test_a():\n    {body}\n"})

    assert not result(report)[0]
    assert (
        "junit.xml" not in report["files"]
        or b"root:" not in (tmp_path / "out" / "junit.xml").read_bytes()
    )


def test_code_without_tests_does_not_pass(tmp_path: Path) -> None:
    assert not result(check(tmp_path, {"a.py": ""}))[0]
    skipped = "import pytest\n@pytest.mark.skip\ndef test_a():\n    pass\n"
    assert result(check(tmp_path / "b", {"test_a.py": skipped})) == (
        False,
        "No test ran. Write one.",
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "raise SystemExit('no such column')",
            "trainer: train ended with exit code 1: no such column",
        ),
        ("", "trainer: train wrote no file into its model folder (--out)."),
    ],
)
def test_a_training_that_breaks_the_contract_is_named(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "reference.csv").write_text("x,Y\n" + "".join(f"{n},1\n" for n in range(40)))
    report = check(tmp_path, {"trainer.py": code}, tests=[], training="trainer", dry_run=True)

    assert result(report, "dry run") == (False, said)


def test_a_dry_run_without_reference_data_takes_the_sample_of_the_code(tmp_path: Path) -> None:
    write_project(tmp_path / "toys", name="trainer")
    code = (tmp_path / "toys" / "trainer.py").read_text()
    report = check(
        tmp_path, {"trainer.py": code}, data=False, tests=[], training="trainer", dry_run=True
    )

    assert result(report, "dry run")[0]
    without = code.replace("def sample(out):", "def sample(out): sys.exit('none')\ndef other(out):")
    report = check(
        tmp_path / "b",
        {"trainer.py": without},
        data=False,
        tests=[],
        training="trainer",
        dry_run=True,
    )
    assert result(report, "dry run") == (
        False,
        "trainer: sample ended with exit code 1: none Give data instead: --data FILE.",
    )


@levels
def test_checks_end_with_the_process_that_runs_them(tmp_path: Path, level: Level) -> None:
    name = f"orphan-{tmp_path.parent.name}-{tmp_path.name}-{level.name}"
    code = tmp_path / "code"
    code.mkdir()
    (code / "test_a.py").write_text(
        "import os, sys\ndef test_a():\n"
        f"    os.execv(sys.executable, ['{name}', '-c', 'import time; time.sleep(600)'])\n"
    )
    (tmp_path / "plan.json").write_text('{"tests": ["pytest"], "timeout_seconds": 60}')
    words = [
        "--code",
        str(code),
        "--plan",
        str(tmp_path / "plan.json"),
        "--out",
        str(tmp_path / "o"),
    ]
    words += ["--isolation", level.name]
    process = subprocess.Popen([sys.executable, "-m", "checks", *words], cwd=ROOT)
    until(lambda: running(name), "the test to run")

    process.send_signal(signal.SIGKILL if level.isolated else signal.SIGTERM)
    process.wait()

    until(lambda: not running(name), "the test to be ended")


def test_wrong_usage_is_told_by_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"dry_run": true, "tests": "pytest"}')
    (tmp_path / "dry.json").write_text('{"dry_run": true}')
    (tmp_path / "evil.json").write_text('{"training": "a; rm"}')
    plain = ["--code", str(tmp_path), "--out", str(tmp_path / "out"), "--plan"]
    for words in (
        [],
        [*plain, str(tmp_path / "plan.json")],
        [*plain, str(tmp_path / "dry.json"), "--data", str(tmp_path / "none.csv")],
        [*plain, str(tmp_path / "evil.json")],
        [*plain, str(tmp_path / "none.json")],
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "checks", *words], cwd=ROOT, capture_output=True, check=False
        )
        assert ended.returncode == 2


def test_the_checks_stand_alone() -> None:
    code = "import sys, checks.__main__; print([m for m in sys.modules if 'function_app' in m])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert ended.stdout.strip() == "[]"


@levels
def test_checks_run_and_hide_in_a_folder_of_any_name(tmp_path: Path, level: Level) -> None:
    code, secret = tmp_path / "Übungs Code 100% a%20b #1", tmp_path / "Müllers state #2"
    code.mkdir()
    secret.mkdir()
    (secret / "token").write_text("t0ken")
    (code / "look.py").write_text(
        "import pathlib, sys\n"
        "pathlib.Path('written here').write_text('x')\n"
        "print('seen:', [p.name for p in pathlib.Path(sys.argv[1]).glob('*')])\n"
    )

    ended = Sandbox(code, level=level, hide=[secret]).run(
        [sys.executable, "look.py", str(secret)], 30
    )

    assert ended.passed, ended.output
    if level.isolated:
        assert "seen: []" in ended.output
