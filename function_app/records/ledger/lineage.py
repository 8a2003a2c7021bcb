"""The origins of versions, and the publications of code, as records of the ledger.

Events and histories are deleted after some weeks; a version's origin is kept with the version.
"""

import json
from datetime import datetime, timedelta
from typing import TypeVar

from function_app.domain.codec import dump, load
from function_app.domain.events.inbox import Outcome
from function_app.domain.lineage.origin import (
    CausingEvent,
    Origin,
    PublishedCode,
    Training,
    causing_event,
)
from function_app.domain.training import ModelVersion, Run
from function_app.errors import ContractError
from function_app.ports import Inbox, Ledger
from function_app.records.order import downwards

# The clocks of two processes differ by less.
_SKEW = timedelta(minutes=1)
# So many events are searched, the newest before the begin of the training first.
_PAGE, _PAGES = 100, 5
_FIELD = "content"
_Content = TypeVar("_Content", Origin, PublishedCode)


class Lineage:
    """Stores each origin once; a repeated registration changes nothing."""

    def __init__(self, ledger: Ledger, inbox: Inbox) -> None:
        self._ledger, self._inbox = ledger, inbox

    def keep(self, version: ModelVersion, run: Run, training: Training, now: datetime) -> None:
        """Store the origin of a registered version, unless it has one."""
        if self.origin(version.model, version.version) is not None:
            return
        origin = Origin(
            registered_at=now,
            training=training,
            data_version=run.dataset_version,
            event=self.find_event(training.instance_id, training.began_at or now),
        )
        content = {_FIELD: json.dumps(dump(origin))}
        self._ledger.create_record(_origin_name(version.model, version.version), content)

    def origin(self, model: str, version: str) -> Origin | None:
        """Return the origin of a version; None when its registration stored none."""
        return _read(Origin, self._ledger.get_record(_origin_name(model, version)))

    def keep_code(self, model: str, version: str, published: PublishedCode) -> None:
        """Store the publication of a version of the code, unless it was published before."""
        content = {_FIELD: json.dumps(dump(published))}
        self._ledger.create_record(_code_name(model, version), content)

    def code(self, model: str, version: str) -> PublishedCode | None:
        """Return the first publication of a version of the code; None when none was stored."""
        return _read(PublishedCode, self._ledger.get_record(_code_name(model, version)))

    def find_event(self, instance_id: str, moment: datetime) -> CausingEvent | None:
        """Return the stored event that started a story at this moment; None when none is found.

        At most 500 events are read: those that came last before the moment.
        """
        if not instance_id:
            return None
        after: str | None = f"{downwards(moment + _SKEW)}-0"
        for _ in range(_PAGES):
            # The events of its runs wake the story later, and have its id, too.
            page = self._inbox.events(_PAGE, after, Outcome.STARTED)
            for event in page.events:
                if instance_id in event.instance_ids:
                    key, channel = event.event_key, event.channel
                    return causing_event(key, channel, event.received_at, event.payload)
            after = page.next
            if after is None:
                break
        return None


def _read(kind: type[_Content], record: dict[str, str] | None) -> _Content | None:
    try:
        return load(kind, json.loads(record[_FIELD])) if record else None
    except (KeyError, ValueError, ContractError):
        return None


def _origin_name(model: str, version: str) -> str:
    return f"lineage/{model}/{version}"


def _code_name(model: str, version: str) -> str:
    return f"code/{model}/{version}"
