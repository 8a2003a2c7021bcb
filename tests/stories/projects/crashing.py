"""A training that fails; its reference data is the sample's."""

import sys

if sys.argv[1:2] == ["sample"]:
    from training.__main__ import main

    sys.exit(main(sys.argv[1:]))
raise SystemExit("no memory for 10 trees")
