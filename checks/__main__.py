"""python -m checks --code DIR --plan FILE --out DIR [--data FILE] [--hide DIR]...

Exit code 0 also when a check fails: checks.json in the folder of --out has the results. Exit code 2
on wrong usage.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from checks.plan import PlanError, read_plan
from checks.run import DATA, JOBS, Report, pack_jobs, refuse, run_checks
from checks.sandbox import Sandbox
from sandbox.levels import BY_NAME, LIMITS, STRENGTHS
from sandbox.probe import Found, find_level


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m checks", description=__doc__)
    parser.add_argument("--code", type=Path, required=True, help="folder of the code; not changed")
    parser.add_argument("--plan", type=Path, required=True, help="JSON: lint, tests, training, ...")
    parser.add_argument("--out", type=Path, required=True, help="folder for the reports")
    parser.add_argument("--data", type=Path, help="reference data as CSV, for the dry run")
    parser.add_argument("--hide", type=Path, action="append", default=[], help="not to be seen")
    parser.add_argument("--isolation", choices=["best", *BY_NAME], default="best")
    parser.add_argument("--min-isolation", choices=STRENGTHS, default=LIMITS)
    given = parser.parse_args(arguments)
    try:
        plan = read_plan(given.plan)
    except PlanError as error:
        parser.error(str(error))
    if not given.code.is_dir():
        parser.error(f"--code: {given.code} is not a folder.")
    if plan.dry_run and given.data is not None and not given.data.is_file():
        parser.error(f"--data: {given.data} is not a file.")
    # A kill of this program must not leave a workspace behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    best = given.isolation == "best"
    found = find_level() if best else Found(level=BY_NAME[given.isolation])
    if not found.level.reaches(given.min_isolation):
        report = refuse(found, given.min_isolation, given.out)
        _write(given.out, report)
        print(report.results[0].detail)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Path] = {}
        if plan.dry_run:
            files[JOBS] = Path(folder) / JOBS
            pack_jobs(files[JOBS])
            if given.data is not None:
                files[DATA] = given.data.resolve()
        sandbox = Sandbox(
            given.code.resolve(),
            level=found.level,
            files=files,
            hide=[path.resolve() for path in given.hide],
        )
        report = run_checks(plan, sandbox, given.out, str(found), has_data=DATA in files)
    _write(given.out, report)
    for result in report.results:
        print(f"{result.name}: {'passed' if result.passed else 'FAILED'}: {result.detail}")
    return 0


def _write(out: Path, report: Report) -> None:
    # Write this file last and atomically, so that a reader who finds it finds all of the reports.
    unfinished = out / ".checks.json.tmp"
    text = json.dumps({**asdict(report), "links": {}}, indent=1)
    unfinished.write_text(text + "\n", encoding="utf-8")
    os.replace(unfinished, out / "checks.json")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
