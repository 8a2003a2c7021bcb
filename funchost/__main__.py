"""The command line: python -m funchost start."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import traceback
from pathlib import Path

from funchost.host import serve
from funchost.indexing import IndexingError
from funchost.store import StoreError


def main() -> int:
    """Parse the arguments and run the host."""
    parser = argparse.ArgumentParser(prog="funchost", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="host a Functions app on this machine")
    start.add_argument("--port", type=int, default=7071)
    start.add_argument("--app", type=Path, default=Path.cwd())
    start.add_argument("--state", type=Path)
    arguments = parser.parse_args()
    app = arguments.app.resolve()
    state = (arguments.state or app / ".funchost").resolve()
    level = os.environ.get("FUNCHOST_LOG_LEVEL", "INFO")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("azure", "httpx", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        asyncio.run(serve(arguments.port, app, state))
    except (IndexingError, StoreError, OSError) as error:
        print(f"funchost cannot start: {error}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    # Threads of hung activities must not keep a stopped host alive; their rows are kept.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
