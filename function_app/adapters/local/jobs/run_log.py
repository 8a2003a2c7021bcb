"""The log of a run: the output of its command, without credentials."""

from typing import BinaryIO

from function_app.domain.text.redaction import redact

# A longer line, or a longer block of a key, is written in pieces.
LONGEST = 64 * 1024
# A command that prints without end must not fill the disk.
MOST_BYTES = 64 * 1024 * 1024
_BEGIN, _END = b"-----BEGIN", b"-----END"


def cut(most: int) -> bytes:
    """Return the last line of a log that has reached `most` bytes."""
    return f"\nThe log ends here: it has {most >> 20} MiB, and the command prints on.\n".encode()


def copy_redacted(source: BinaryIO, log: BinaryIO, most: int = MOST_BYTES) -> None:
    """Copy lines to the log until the source ends, each without credentials.

    The lines of a PEM block are redacted together, because a single line of it does not look like a
    credential. A line is in the log as soon as it was printed. Output after `most` bytes is read
    and dropped, so that the command does not block.
    """
    block, left = b"", most
    while line := source.readline(LONGEST):
        if left <= 0:
            continue
        left -= len(line)
        if left <= 0:
            _write(log, block)
            log.write(cut(most))
            log.flush()
            block = b""
            continue
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
