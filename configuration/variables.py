"""The names of all MLOPS_... variables, and a check for variables that are probably misspelt.

Without this check, a variable with a misspelt name has no effect and causes no error.
"""

from collections.abc import Iterable

PREFIX = "MLOPS_"
# Each name with its meaning and its default, as docs/reference/settings.md shows them.
APP = {
    "PLATFORM": "`local` or `azure`. Default: `local`.",
    "STATE": "The folder of this machine's state. Default: `.mlops`.",
    "PROJECTS": "The file that names the models. Default: `mlops.toml` beside the app.",
    "TOPIC_ENDPOINT": "The Event Grid topic to which the app publishes its own events. Default: "
    "the topic of funchost.",
    "TOPIC_KEY": "The key of that topic. Without it the app's identity publishes.",
    "TOPICS": "Topics (resource ids) or origins that may subscribe `POST /api/events`, separated "
    "by commas or blanks.",
    "TRUSTED_PROXIES": "The proxies before the app: how many there are, or their addresses and "
    "networks (`10.0.0.0/8`). Without it the address that the host saw counts for budgets and the "
    "audit log.",
    "ENGINE": "The command of the container engine, such as `podman --runtime runc`. Empty: no "
    "engine. Default: the first installed engine that runs the base image.",
    "BASE_IMAGE": "The base image of containers. Default: `localhost/mlops-scoring-base:latest`.",
    "PUBLIC_URL": "The address at which people reach the app. Messages and commit statuses link "
    "to it.",
    "READY_SECONDS": "Seconds that a replica on this machine may take to become ready. A start "
    "after a failed one may take up to eight times as long. Default: 60.",
}
GIT = {
    "SSH_KEY": "A file with the private key for repositories over SSH.",
    "SSH_KNOWN_HOSTS": "A file with the host keys of these repositories' servers.",
    "CA_FILE": "A file with CA certificates that are used instead of the system's.",
    "TIMEOUT_SECONDS": "Seconds that one operation of git may take, 1 to 3600. Default: 300.",
}
NOTIFY = {
    "SLACK_URL": "The incoming webhook of Slack.",
    "TEAMS_URL": "The workflow webhook of Microsoft Teams.",
    "WEBHOOK_URL": "Any address that takes messages as JSON.",
    "WEBHOOK_SECRET": "Signs the messages to that address with HMAC-SHA256.",
    "SMTP_URL": "A mail server: `smtp://user:password@host:587?from=a@b&to=c@d`.",
    "CA_FILE": "A file with CA certificates that are used instead of the system's.",
    "AZURE_MAIL_ENDPOINT": "A resource of Azure Communication Services that sends mail.",
    "AZURE_MAIL_FROM": "The sender of that mail.",
    "AZURE_MAIL_TO": "The recipients of that mail, separated by commas or blanks.",
}
AZURE = (
    *("SUBSCRIPTION_ID", "RESOURCE_GROUP", "LOCATION", "WORKSPACE", "TENANT_ID", "CLIENT_ID"),
    *("COMPUTE", "COMPUTE_SIZE", "COMPUTE_NODES", "COMPUTE_IDENTITY"),
    *("JUDGE_COMPUTE", "JUDGE_NODES", "JUDGE_IDENTITY", "RUNS_CONTAINER", "EVALUATIONS_CONTAINER"),
    *("CHECKS_COMPUTE", "CHECKS_IDENTITY", "CHECKS_CONTAINER", "CHECKS_INPUTS_CONTAINER"),
    *("TRAINING_IMAGE", "REGISTRY", "REGISTRY_SERVER", "REGISTRY_SCOPE"),
    *("TABLES_ENDPOINT", "BLOB_ENDPOINT", "DATA_CONTAINER", "VERSIONS_CONTAINER"),
    *("PREDICTIONS_CONTAINER", "REPLICA_CLIENT_ID", "REPLICA_INSIGHTS", "REPLICA_IDENTITY"),
    *("PRODUCTION", "ENDPOINT_SIZE", "CLUSTER", "CLUSTER_RESOURCE_GROUP", "CLUSTER_NAMESPACE"),
    *("CLUSTER_EXPOSURE", "CLUSTER_SCOPE", "STAGING_RESOURCE_GROUP", "STAGING_IDENTITY"),
    *("STAGING_SUBNET", "APPROVER_AUDIENCE", "APPROVER_ROLE", "APPROVER_SCOPE"),
    *("CALLER_AUDIENCE", "CALLER_ROLE", "CALLER_APPS", "KEY_VAULT"),
    *("APPLICATION_INSIGHTS", "EVENTS_FUNCTION", "DATA_TOPIC", "WORKSPACE_TOPIC"),
    *("MANAGEMENT_ENDPOINT", "AUTHORITY", "AML_RESOURCE_ID", "PORTAL_ENDPOINT"),
    *("STORAGE_SUFFIX", "DISCOVERY_ENDPOINT", "TOPIC_SCOPE", "COLLECTOR", "CA_FILE"),
    *("PUBLIC_DOMAIN", "PUBLIC_CERTIFICATE", "KEYS_VAULT", "STAGING_TLS_IMAGE"),
    *("POLL_SECONDS", "ROLLOUT_SECONDS", "BUILD_SECONDS"),
)
# Read by mlopsctl only.
COMMAND_LINE = {
    "URL": "The address of the app. Default: the app that runs on the state folder.",
    "KEY": "The function key for that app.",
    "TOKEN": "Your token for that app.",
    "CONFIG": "Your own folder, which holds your copies of tokens. Default: `~/.config/mlops`.",
}
# A name with one of these prefixes ends with the name of a host or of a webhook source.
FAMILIES = {
    "MLOPS_WEBHOOK_SECRET_": "The secret of a webhook source, at least 16 characters: "
    "`MLOPS_WEBHOOK_SECRET_JENKINS` is that of `POST /api/webhooks/jenkins`.",
    "MLOPS_GIT_TOKEN_": "A token for private repositories and commit statuses of a host: "
    "`MLOPS_GIT_TOKEN_GITHUB_COM`. Signs other than letters and digits become `_`.",
    "MLOPS_GIT_API_": "The address of a host's API when it is not the usual one.",
}
OPEN = tuple(FAMILIES)
# Every name with one of these prefixes is in a list above.
CLOSED = ("MLOPS_AZURE_", "MLOPS_NOTIFY_")
_LIKENESS = 0.8


def known_variables() -> frozenset[str]:
    """Return the variables with a fixed name."""
    families = (
        ("", APP),
        ("", COMMAND_LINE),
        ("GIT_", GIT),
        ("NOTIFY_", NOTIFY),
        ("AZURE_", AZURE),
    )
    return frozenset(f"{PREFIX}{family}{name}" for family, names in families for name in names)


def find_misspelt(environ: Iterable[str]) -> list[str]:
    """Return a sentence for each variable whose name is nearly that of one that is read."""
    known = known_variables()
    sentences = []
    for name in sorted(environ):
        plain = name.upper().replace("-", "_")
        if not plain.startswith("MLOP") or name in known or name.startswith(OPEN):
            continue
        nearest = _nearest(plain, known)
        if nearest or name.startswith(CLOSED):
            hint = f"Did you mean {nearest}?" if nearest else "No setting has this name."
            sentences.append(f"The variable {name} has no effect. {hint}")
    return sentences


def _nearest(name: str, known: frozenset[str]) -> str:
    if name in known:
        return name
    from difflib import SequenceMatcher, get_close_matches  # late: most names are right

    for prefix in OPEN:
        begin = name[: len(prefix)]
        if SequenceMatcher(None, begin, prefix).ratio() > 0.9:
            return f"{prefix}..."
    # The common prefix is left out, because it would make any two names alike.
    bare = {other.removeprefix(PREFIX): other for other in known}
    rest = name.partition("_")[2] if "_" in name else name
    near = get_close_matches(rest, bare, n=1, cutoff=_LIKENESS)
    return bare[near[0]] if near else ""
