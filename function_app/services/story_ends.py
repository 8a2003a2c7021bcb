"""Ends of stories: the stored outcome, the notification, the settled cancellation."""

import json
import logging

from function_app.domain.codec import dump, load
from function_app.domain.reconciliation import RECENT
from function_app.domain.stories.cancellation import Cancellation, StoryId, cancellation_name
from function_app.domain.stories.outcomes import StoryEnd, end_name, is_alarming
from function_app.domain.text.plain_text import one_line
from function_app.domain.training import RunStatus
from function_app.errors import MlopsError
from function_app.ports import Ports

LOG = logging.getLogger("mlops.outcomes")


def record(ports: Ports, end: StoryEnd) -> None:
    """Store the newest end of each kind of story and model; notify people when it is alarming.

    The ledger keeps it for longer than Durable keeps the history.
    """
    content = {"at": str(dump(ports.clock.now())), "end": json.dumps(dump(end))}
    ports.ledger.save_record(end_name(end.story, end.model), content)
    if not is_alarming(end.story, end.outcome, end.facts.get("run")):
        return
    try:
        ports.notifier.report_outcome(end)
    except MlopsError as error:
        # Dead channels must not fail a story whose work is done; `mlopsctl doctor` shows the end.
        LOG.error(
            "No person was notified of the end of %s: %s", end.instance_id, one_line(error.message)
        )


def settle_cancellation(ports: Ports, story: StoryId) -> Cancellation | None:
    """Stop the runs of a cancelled story; return its stored cancellation, None without one."""
    stored = ports.ledger.get_record(cancellation_name(story.instance_id))
    if stored is None:
        # The app stores the cancellation before it raises the event; Durable's key can raise it.
        LOG.warning(
            "A cancel event of %s came without a stored cancellation. It changes nothing; somebody "
            "may have used Durable's key.",
            one_line(story.instance_id),
        )
        return None
    cancellation = load(Cancellation, json.loads(stored["cancellation"]))
    try:
        _cancel_runs(ports, story, cancellation.reason)
    except MlopsError as error:
        # The next comparison cancels runs for which no story waits.
        LOG.warning(
            "The runs of %s could not be stopped: %s", story.instance_id, one_line(error.message)
        )
    return cancellation


def _cancel_runs(ports: Ports, story: StoryId, reason: str) -> None:
    for run in ports.jobs.list_runs(ports.clock.now() - RECENT):
        is_own = run.tags.get("instance_id") == story.instance_id
        if is_own and run.status is RunStatus.RUNNING:
            ports.jobs.cancel(run.run_id, reason)
