"""docs/reference/settings.md: every environment variable that is read."""

from dataclasses import MISSING, fields

from configuration import variables
from function_app.settings.azure import PREFIX, AzureSettings
from reference.markdown import table

_HEAD = """\
# Settings

Environment variables; in Azure they are app settings. The app reads its own once, when it starts,
and stops with the name of each setting that is wrong. A variable whose name is nearly that of a
setting is logged as a warning. The models are described in [mlops.toml](mlops-toml.md).

This page is written by `python -m reference` from the declarations in the code.
"""
HOST = {
    "FUNCHOST_REPLAY": "`always` replays every turn from its start, which finds code that is not "
    "deterministic.",
    "FUNCHOST_CHECK": "Ended instances that are replayed in the background: `off`, `sample` or "
    "`all`. A replay that leaves the stored history is logged as a warning. Default: `sample`.",
    "FUNCHOST_RETENTION_DAYS": "Purges instances that ended longer ago. Default: keeps all.",
    "FUNCHOST_EVENTGRID_RETRY_SCALE": "Multiplies the intervals of Event Grid retries, for tests.",
    "FUNCHOST_ACTIVITY_RETRY_SCALE": "Multiplies the waits before an activity is retried, for "
    "tests.",
    "FUNCHOST_TOPIC_ENDPOINT": "Set by the host: the topic to which the app publishes.",
    "FUNCHOST_TOPIC_KEY": "The key of the local topic. Default: a random one for each state.",
    "FUNCHOST_REFUSALS": "Set by the host: the file with the requests it refused, for the app. "
    "Default: `refusals.jsonl` in the host's state folder.",
    "FUNCHOST_ALLOWED_HOSTS": "Host names besides loopback that a request's `Host` may have.",
    "FUNCHOST_REQUEST_SECONDS": "Seconds that the head or the body of a request may take. "
    "Default: 75.",
    "FUNCHOST_MAX_CONNECTIONS": "Open connections; more are answered 503. Default: 1000.",
    "FUNCHOST_EVENTGRID_KEY": "`true`: the Event Grid webhook needs its key also without `--auth`.",
    "FUNCHOST_EVENTGRID_PER_MINUTE": "Events a minute that the webhook takes; more are answered "
    "429. Default: 6000.",
    "FUNCHOST_LOG_LEVEL": "Level of the log. Default: `INFO`.",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "Bytes that a request's body may have. Default: 100 MiB.",
    "PYTHON_THREADPOOL_THREAD_COUNT": "Threads for functions that are not `async`, as in Azure.",
}
TELEMETRY = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "Collector to which spans and figures are sent. Default: none.",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "Collector of the local host's spans, instead of that.",
    "OTEL_SERVICE_NAME": "Name of the app in traces. Default: the site's name, else `mlops`.",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "Application Insights, to which replicas send spans "
    "when there is no collector.",
}
# The platform sets these for the replicas; a service of your own reads the same ones.
SERVICE = {
    "SCORING_KEYS_FILE": "A file with the digests of the accepted keys; it is read again when it "
    "changes.",
    "SCORING_KEYS": "The content of such a file.",
    "SCORING_AUTHENTICATED_BY": "`azure-ml` when the platform before the service checks callers.",
    "SCORING_ENTRA": "Which Entra tokens of callers count beside keys, as JSON: `keys` (https "
    "address), `issuers`, `audience`, `roles`, `apps`.",
    "SCORING_METRICS_PORT": "A second port, for `/metrics` alone.",
    "IMAGE_DIGEST": "The digest of the running image, shown in answers.",
    "MODEL_VERSION": "The version of the running model, shown in answers.",
    "PREDICTION_LOG": "The folder of the prediction log. Default: no log.",
    "PREDICTION_LOG_SAMPLE": "The share of requests that is logged, 0 to 1. Default: 1.",
    "PREDICTION_LOG_INPUTS": "`all`, `none`, or the names of inputs that are logged.",
    "PREDICTION_LOG_SEGMENT_SECONDS": "Seconds after which a segment of the log ends. Default: 60.",
    "PREDICTION_LOG_MAX_BYTES": "Bytes that the log may have on disk. Default: 64 MiB.",
    "PREDICTION_LOG_BLOBS": "The address of a container to which segments are sent.",
    "PREDICTION_LOG_BLOB_BYTES": "Bytes of a blob, after which a new one begins. Default: 256 MiB.",
}
_FAMILIES = (("", variables.APP), ("GIT_", variables.GIT), ("NOTIFY_", variables.NOTIFY))


def describe() -> str:
    """Return the whole page."""
    app = {
        f"{variables.PREFIX}{family}{name}": text
        for family, names in _FAMILIES
        for name, text in names.items()
    }
    families = {f"{name}<NAME>": text for name, text in variables.FAMILIES.items()}
    own = {f"{variables.PREFIX}{name}": text for name, text in variables.COMMAND_LINE.items()}
    return (
        "\n".join(
            [
                _HEAD,
                *_section("The app", {**app, **families}),
                *_section("The app in Azure", azure(), "`infra/` sets these."),
                *_section("The command line", own),
                *_section("Traces and figures", TELEMETRY),
                *_section("The scoring service", SERVICE, "The platform sets these for replicas."),
                *_section("The local host", HOST, "See [funchost](../funchost.md)."),
            ]
        ).rstrip("\n")
        + "\n"
    )


def azure() -> dict[str, str]:
    """Return each MLOPS_AZURE_ setting with its meaning; KeyError when a field has none."""
    settings = {}
    for field in fields(AzureSettings):
        text = f"{field.metadata['help'][0].upper()}{field.metadata['help'][1:]}."
        if field.default is MISSING:
            text += " **Required.**"
        elif field.default not in ("", None):
            text += f" Default: `{field.default}`."
        settings[PREFIX + field.name.upper()] = text
    return settings


def _section(title: str, settings: dict[str, str], note: str = "") -> list[str]:
    lines = [f"## {title}", ""] + ([note, ""] if note else [])
    rows = [(f"`{name}`", text) for name, text in settings.items()]
    return [*lines, *table(("setting", "meaning"), rows)]
