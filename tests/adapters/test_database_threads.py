"""Connections to SQLite that another thread than their own gives up."""

import sqlite3
import threading

from function_app.adapters.local.reach.database import _Cached


def test_a_connection_is_given_up_by_another_thread() -> None:
    kept: list[_Cached] = []

    def connect() -> None:
        kept.append(_Cached(sqlite3.connect(":memory:"), None))

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()

    # pytest turns an exception of __del__ into an error.
    kept.clear()
