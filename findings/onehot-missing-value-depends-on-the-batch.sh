#!/usr/bin/env bash
# The encoding of a missing category depends on the other rows of the request.
#
# Package: scikit-learn 1.9.1 with pandas 3.1.1, Python 3.11 or 3.12.
# Guess: `OneHotEncoder(handle_unknown='ignore')`, fitted on a CSV with empty cells, encodes a
#   JSON null as the missing category, and a row gets one prediction, whichever rows are sent with
#   it.
# Behaviour: a null that is alone in its column makes a column of objects that holds None, which
#   the encoder takes for an unknown category: all zeros. Beside any text pandas 3 makes a column
#   of type `str`, in which the null is NaN, the category of the training. One row alone and the
#   same row in a batch get different predictions; no error or warning says so. Build the frame
#   with the types of the training (`astype('str')`).
# Exits 0 while it is so, 1 when a later release behaves as guessed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=""
for candidate in python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "This finding needs Python 3.11 or 3.12."; exit 2; }
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-learn==1.9.1 pandas==3.1.1
cd "$folder"
cat > encode.py <<'PYTHON'
import io
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

training = pd.read_csv(io.StringIO("colour,price\nred,1\nblue,2\n,9\nred,1\nblue,2\n,9\n"))
model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
model.fit(training[["colour"]], training["price"])

alone = pd.DataFrame([{"colour": None}])
batch = pd.DataFrame([{"colour": None}, {"colour": "red"}])
typed = alone.astype("str")
prices = [model.predict(frame)[0] for frame in (alone, batch, typed)]
print("null alone:                ", alone["colour"].dtype, round(prices[0], 3))
print("null beside a red one:     ", batch["colour"].dtype, round(prices[1], 3))
print("null alone, typed as str:  ", typed["colour"].dtype, round(prices[2], 3))
if np.isclose(prices[1], 9) and np.isclose(prices[2], 9) and not np.isclose(prices[0], 9):
    print("As found: the same row has another prediction alone than in a batch.")
    sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore encode.py
