"""Counters of the service, in the text format of Prometheus.

Text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from scoring.log_shipping import Shipper
from scoring.prediction_log import PredictionLog

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def describe_metrics(
    log: PredictionLog | None, requests: int, refused: int, shipper: Shipper | None = None
) -> str:
    """Return the counts since the process began."""
    figures = (
        ("scoring_requests_total", "Requests that were scored.", requests),
        ("scoring_refused_total", "Requests that could not be scored.", refused),
        (
            "prediction_log_logged_total",
            "Predictions in the prediction log.",
            log.logged if log else 0,
        ),
        (
            "prediction_log_dropped_total",
            "Predictions that are missing in the prediction log.",
            log.dropped if log else 0,
        ),
        (
            "prediction_log_sent_total",
            "Logged predictions that were sent to the storage.",
            shipper.sent if shipper else 0,
        ),
        (
            "prediction_log_lost_total",
            "Logged predictions that were not sent to the storage.",
            shipper.lost if shipper else 0,
        ),
    )
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} counter\n{name} {value}\n"
        for name, text, value in figures
    )
