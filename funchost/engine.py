"""Drives orchestration turns and activities from the store."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from funchost import entities, http_call
from funchost import history as h
from funchost.instances import post
from funchost.invocation import Invoker
from funchost.store import Store
from funchost.turn import FunctionMap, take_turn

LOG = logging.getLogger("funchost.engine")
_NOT_LIVE = "('Suspended','Completed','Failed','Terminated','Canceled')"


class Engine:
    """Sleeps until a message is due or someone wakes it."""

    def __init__(self, store: Store, functions: FunctionMap, invoker: Invoker) -> None:
        """Take the store that holds all the engine's state."""
        self.store, self.functions, self.invoker = store, functions, invoker
        self._awake = asyncio.Event()
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="turn")
        self._running: dict[int | str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look at the store again now."""
        self._awake.set()

    async def run(self) -> None:
        """Work until cancelled; one faulty instance does not stop the others."""
        loop = asyncio.get_running_loop()
        while True:
            self._awake.clear()
            self._start_work()
            ready = self.store.rows(
                "SELECT DISTINCT b.instance AS id FROM inbox b LEFT JOIN instances i "
                f"ON i.id=b.instance WHERE b.due<=? AND COALESCE(i.status,'') NOT IN {_NOT_LIVE}",
                time.time(),
            )
            for row in ready:
                try:
                    await loop.run_in_executor(
                        self._turns, take_turn, self.store, self.functions, row["id"]
                    )
                except Exception:
                    LOG.exception("the turn of instance %s failed and will be retried", row["id"])
                    loop.call_later(1.0, self.wake)
                    await asyncio.sleep(0.2)
                self._start_work()
            if not ready:
                await self._sleep()

    async def _sleep(self) -> None:
        row = self.store.row(
            "SELECT MIN(b.due) AS due FROM inbox b LEFT JOIN instances i ON i.id=b.instance "
            f"WHERE COALESCE(i.status,'') NOT IN {_NOT_LIVE}"
        )
        due = row["due"] if row else None
        # Bounded, so that a moved wall clock is noticed.
        pause = 60.0 if due is None else min(60.0, max(0.0, due - time.time()))
        try:
            await asyncio.wait_for(self._awake.wait(), pause)
        except TimeoutError:
            return

    def _start_work(self) -> None:
        # Rows stay until the result is stored: a killed host finds them again and runs them again.
        for row in self.store.rows("SELECT * FROM work ORDER BY seq"):
            if row["seq"] not in self._running:
                self._running[row["seq"]] = asyncio.create_task(self._activity(row))
        for entity in entities.waiting(self.store):
            if entity not in self._running:
                self._running[entity] = asyncio.create_task(self._entity(entity))

    async def _entity(self, entity: str) -> None:
        try:
            function = self.functions.get(entities.split_id(entity)[0])
            await entities.run_batch(self.store, self.invoker, function, entity)
        except Exception:
            LOG.exception("the batch of entity %s could not be stored", entity)
            await asyncio.sleep(1.0)
        finally:
            self._running.pop(entity, None)
            self.wake()

    async def _activity(self, row: sqlite3.Row) -> None:
        try:
            event = await self._outcome(row)
            with self.store.transaction() as db:
                gone = db.execute("DELETE FROM work WHERE seq=?", (row["seq"],)).rowcount
                if gone:
                    post(db, row["instance"], row["execution"], event)
        except Exception:
            LOG.exception("the result of activity %s could not be stored", row["name"])
            await asyncio.sleep(1.0)
        finally:
            self._running.pop(row["seq"], None)
            self.wake()

    async def _outcome(self, row: sqlite3.Row) -> h.Event:
        name, task = row["name"], row["task"]
        function = self.functions.get(name.lower())
        try:
            if name == http_call.NAME:
                result = await http_call.call(row["input"], lambda text: self._progress(row, text))
                return h.event(h.TASK_COMPLETED, TaskScheduledId=task, Result=result)
            if function is None or function.kind != "activityTrigger":
                raise LookupError(f"the app has no activity function {name}")
            result = await self.invoker.activity(function, row["input"])
            return h.event(h.TASK_COMPLETED, TaskScheduledId=task, Result=result)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            LOG.warning("activity %s of %s failed: %s", name, row["instance"], text)
            details = {
                "Message": text,
                "InnerException": {"Message": f"{text}\n{traceback.format_exc()}"},
            }
            # Two blanks, as the real extension leaves them.
            return h.event(
                h.TASK_FAILED,
                TaskScheduledId=task,
                Details=json.dumps(details),
                Reason=f"Activity function '{name}' failed:  {text}",
            )

    def _progress(self, row: sqlite3.Row, text: str) -> None:
        with self.store.transaction() as db:
            db.execute("UPDATE work SET input=? WHERE seq=?", (text, row["seq"]))

    def close(self) -> None:
        """Stop the turn thread after its current turn."""
        for task in self._running.values():
            task.cancel()
        self._turns.shutdown(wait=True, cancel_futures=True)
