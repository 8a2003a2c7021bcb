"""Hashes of the rows of a large plain file: those of `splitting/hashes.py`, by arrays."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from platform_jobs.large.fast_reader import Plain

# Rows that are hashed at a time: with 50 columns their text has about 20 MB.
_ROWS = 20_000
# Between the first two bounds neither Python nor Arrow writes an exponent. Below the third one an
# integer has the same digits as the number.
_SMALL, _GREAT, _WHOLE = 1e-4, 1e9, 1e15


def row_hashes(plain: Plain, key: str) -> NDArray[np.uint64]:
    """Return the hash of each row that `splitting.hashes.row_hashes` returns, shape (rows,)."""
    order = sorted(range(len(plain.columns)), key=lambda index: plain.columns[index])

    def hashed(low: int) -> bytes:
        part = plain.values[:, low : low + _ROWS]
        return _hashes(key, (part[index] for index in order), part.shape[1])

    # Arrow releases Python's lock.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        parts = pool.map(hashed, range(0, len(plain), _ROWS))
        return np.frombuffer(b"".join(parts), ">u8").astype(np.uint64)


def _hashes(key: str, columns: Iterable[NDArray[np.float64]], rows: int) -> bytes:
    """Return 8 bytes for each row: the first ones of the SHA-256 of key and cells."""
    texts = pc.binary_join_element_wise(
        pa.array([key] * rows, pa.string()), *map(_as_text, columns), "\0"
    )
    _, offsets, text = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + rows + 1].tolist()
    view, sha256 = memoryview(text), hashlib.sha256
    return b"".join(sha256(view[begin:end]).digest()[:8] for begin, end in pairwise(places))


def _as_text(column: NDArray[np.float64]) -> pa.Array:
    """Return each number as Python's repr writes it, which `hashes.canonical` returns."""
    size = abs(column)
    whole = (column == np.floor(column)) & (size < _WHOLE)
    texts = pa.array(column).cast(pa.string())
    if whole.any():
        digits = pa.array(column[whole].astype(np.int64)).cast(pa.string())
        written = pc.binary_join_element_wise(digits, ".0", "")
        texts = pc.replace_with_mask(texts, pa.array(whole), written)
    odd = ~whole & ((size < _SMALL) | (size >= _GREAT))
    if odd.any():
        written = pa.array([repr(number) for number in column[odd].tolist()], pa.string())
        texts = pc.replace_with_mask(texts, pa.array(odd), written)
    return texts
