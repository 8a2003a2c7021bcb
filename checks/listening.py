"""Reads the output of a process of untrusted code to its end, within a bound."""

import contextlib
import os
import selectors
import signal
import subprocess
import time

KEPT_OUTPUT = 1024 * 1024


def listen(process: "subprocess.Popen[bytes]", result: int, seconds: float) -> tuple[str, bytes]:
    """Return the output, its middle left out when it is long, and the answers."""
    assert process.stdout is not None
    head, tail, answer, count = bytearray(), bytearray(), bytearray(), 0
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for source in (process.stdout.fileno(), result):
            selector.register(source, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(timeout=0.5):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fd)
                elif key.fd == result:
                    answer += chunk
                else:
                    count += len(chunk)
                    room = max(0, KEPT_OUTPUT // 2 - len(head))
                    head += chunk[:room]
                    tail = (tail + chunk[room:])[-KEPT_OUTPUT // 2 :]
            if process.poll() is not None and answer.endswith(b"}"):
                break
    os.close(result)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    left_out = count - len(head) - len(tail)
    text = head.decode(errors="replace")
    if left_out > 0:
        text += f"\n… {left_out} bytes are left out …\n"
    return text + tail.decode(errors="replace"), bytes(answer)
