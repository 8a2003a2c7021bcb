"""Answers of a git server that no git would give, written by hand."""

import hashlib
import zlib


def line(text: bytes) -> bytes:
    return b"%04x" % (len(text) + 4) + text


def packfile(pack: bytes) -> bytes:
    """Return a server's answer that carries a pack."""
    parts = [pack[at : at + 60_000] for at in range(0, len(pack), 60_000)]
    return line(b"packfile\n") + b"".join(line(b"\1" + part) for part in parts) + b"0000"


def bomb() -> bytes:
    """Return a pack of some kilobytes whose second object would be 16 GB."""
    base = b"\0" * (1 << 24) + b"\1"
    name = hashlib.sha1(b"blob %d\0" % len(base) + base).digest()
    copies = 1000
    # Each instruction copies 16 MB, the most that one can, less one.
    delta = _size(len(base)) + _size(copies * 0xFFFFFF) + b"\xf0\xff\xff\xff" * copies
    objects = _head(3, len(base)) + zlib.compress(base)
    objects += _head(7, len(delta)) + name + zlib.compress(delta)
    pack = b"PACK" + (2).to_bytes(4, "big") + (2).to_bytes(4, "big") + objects
    return pack + hashlib.sha1(pack).digest()


def _head(kind: int, size: int) -> bytes:
    """Return an object's kind and size as a pack has them."""
    first, size = kind << 4 | size & 15, size >> 4
    return bytes([first | (128 if size else 0)]) + (_size(size) if size else b"")


def _size(size: int) -> bytes:
    parts = []
    while size > 127:
        parts.append(size & 127 | 128)
        size >>= 7
    return bytes([*parts, size])
