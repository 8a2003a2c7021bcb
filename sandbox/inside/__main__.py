"""python -I -S sandbox/inside/__main__.py SPEC [RESULT_FD]: runs the command of the JSON SPEC.

It ends as the command does: with its exit code, or by its signal. Exit code 125: the sandbox could
not be made, and the command did not start.
"""

import json
import os
import sys

# Isolated mode leaves the path alone, so that no variable and no folder can replace a module.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from sandbox.inside.monitor import main

if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else -1)
