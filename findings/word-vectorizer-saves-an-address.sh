#!/usr/bin/env bash
# A fitted vectorizer of words contains a memory address, so that equal trainings have other bytes.
#
# Package: scikit-learn 1.9.1 (CountVectorizer and TfidfVectorizer with analyzer="word"), Python
#   3.11 or later.
# Guess: two vectorizers with equal parameters that were fitted on the same texts have equal
#   attributes, so that their saved bytes are equal and a digest can show that a training is
#   reproducible.
# Behaviour: build_analyzer stores id(self.stop_words) in the attribute `_stop_words_id`, which
#   pickle, joblib and every saver of attributes writes. Vocabulary and answers are equal, the bytes
#   are not. With analyzer="char_wb" nothing is stored. A training whose digest counts must delete
#   the attribute before it saves the model; the vectorizer then only checks its stop words again.
# Exits 0 while it is so, 1 when a later release behaves as guessed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=""
for candidate in python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "This finding needs Python 3.11 or later."; exit 2; }
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check scikit-learn==1.9.1
cd "$folder"
cat > bytes.py <<'PYTHON'
import pickle
import sys

from sklearn.feature_extraction.text import TfidfVectorizer

TEXTS = ["the invoice is late", "the tariff is high", "service was slow", "a late reply"]


def fitted(analyzer):
    """Return a vectorizer of its own, with equal parameters and data each time."""
    words = ["the", "a"] if analyzer == "word" else None
    return TfidfVectorizer(analyzer=analyzer, stop_words=words).fit(TEXTS)


def attributes_that_differ(first, second):
    return sorted(
        name
        for name in vars(first)
        if pickle.dumps(vars(first)[name]) != pickle.dumps(vars(second)[name])
    )


words, letters = [fitted("word"), fitted("word")], [fitted("char_wb"), fitted("char_wb")]
equal = bool((words[0].transform(TEXTS) != words[1].transform(TEXTS)).nnz == 0)
print("words: answers equal", equal, "- attributes that differ:", *attributes_that_differ(*words))
print("letters: attributes that differ:", *attributes_that_differ(*letters) or ["none"])
if equal and attributes_that_differ(*words) == ["_stop_words_id"]:
    if not attributes_that_differ(*letters):
        print("As found: the vectorizer of words contains the address of its stop words.")
        sys.exit(0)
print("It behaves otherwise now.")
sys.exit(1)
PYTHON
"$folder/venv/bin/python" -W ignore bytes.py
