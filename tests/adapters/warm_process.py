"""A process that a warm parent forks in tests: it writes its facts, then waits for its release."""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path


def main(folder: Path) -> int:
    facts = {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "lock": os.fstat(int(os.environ["LOCK_FD"])).st_ino,
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0] // 1024,
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "environ": sorted(os.environ.keys() - {"LOCK_FD", "PWD", "OLDPWD", "_", "LC_CTYPE"}),
        "cwd": str(Path.cwd()),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "children": signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,
    }
    print("a line of the log")
    print("a line of errors", file=sys.stderr)
    unfinished = folder / "facts.tmp"
    unfinished.write_text(json.dumps(facts))
    unfinished.replace(folder / "facts.json")
    while not (folder / "released").exists():
        time.sleep(0.01)
    if (folder / "fails").exists():
        raise RuntimeError("the process fails")
    return 0
