"""The sample's training, which writes other bytes into its model folder each time."""

import sys
import uuid
from pathlib import Path

from training.__main__ import main

if __name__ == "__main__":
    code = main(sys.argv[1:])
    if sys.argv[1] == "train":
        out = Path(sys.argv[sys.argv.index("--out") + 1])
        (out / "stamp.txt").write_text(str(uuid.uuid4()))
    sys.exit(code)
