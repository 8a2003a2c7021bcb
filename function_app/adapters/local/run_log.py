"""The log of a run: what its command prints, without credentials."""

from typing import BinaryIO

from function_app.domain.redaction import redact

# A longer line, or a longer block of a key, is written in pieces.
LONGEST = 64 * 1024
_BEGIN, _END = b"-----BEGIN", b"-----END"


def copy_redacted(source: BinaryIO, log: BinaryIO) -> None:
    """Copy lines to the log until the source ends, each without credentials.

    The lines of a PEM block are kept together, because one of them alone is not known for a
    credential. A line is in the log as soon as it was printed.
    """
    block = b""
    while line := source.readline(LONGEST):
        block += line
        is_open = _BEGIN in block and _END not in block
        if is_open and len(block) < LONGEST:
            continue
        _write(log, block)
        block = b""
    _write(log, block)


def _write(log: BinaryIO, block: bytes) -> None:
    log.write(redact(block.decode(errors="replace")).encode())
    log.flush()
