"""The names of all MLOPS_... variables, and which set ones are probably misspelt.

A variable with a misspelt name has no effect and no error; this is where it is noticed.
"""

from collections.abc import Iterable

PREFIX = "MLOPS_"
APP = (
    *("PLATFORM", "STATE", "PROJECTS", "TOPIC_ENDPOINT", "TOPIC_KEY", "TOPICS"),
    *("ENGINE", "BASE_IMAGE", "PUBLIC_URL", "READY_SECONDS"),
)
GIT = ("SSH_KEY", "SSH_KNOWN_HOSTS", "CA_FILE", "TIMEOUT_SECONDS")
NOTIFY = (
    *("SLACK_URL", "TEAMS_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_URL", "CA_FILE"),
    *("AZURE_MAIL_ENDPOINT", "AZURE_MAIL_FROM", "AZURE_MAIL_TO"),
)
AZURE = (
    *("SUBSCRIPTION_ID", "RESOURCE_GROUP", "LOCATION", "WORKSPACE", "TENANT_ID", "CLIENT_ID"),
    *("COMPUTE", "COMPUTE_SIZE", "COMPUTE_NODES", "COMPUTE_IDENTITY"),
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
COMMAND_LINE = ("URL", "KEY", "TOKEN", "CONFIG")
# A name that begins so ends with the name of a host or of a source of webhooks.
OPEN = ("MLOPS_WEBHOOK_SECRET_", "MLOPS_GIT_TOKEN_", "MLOPS_GIT_API_")
# No other name may begin so: what follows is one of the lists above.
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
    found = []
    for name in sorted(environ):
        plain = name.upper().replace("-", "_")
        if not plain.startswith("MLOP") or name in known or name.startswith(OPEN):
            continue
        nearest = _nearest(plain, known)
        if nearest or name.startswith(CLOSED):
            hint = f"Did you mean {nearest}?" if nearest else "No setting is called so."
            found.append(f"The variable {name} has no effect. {hint}")
    return found


def _nearest(name: str, known: frozenset[str]) -> str:
    if name in known:
        return name
    from difflib import SequenceMatcher, get_close_matches  # late: most names are right

    for prefix in OPEN:
        begin = name[: len(prefix)]
        if SequenceMatcher(None, begin, prefix).ratio() > 0.9:
            return f"{prefix}..."
    # Without what all names begin with: it would make any two of them alike.
    bare = {other.removeprefix(PREFIX): other for other in known}
    wanted = name.partition("_")[2] if "_" in name else name
    near = get_close_matches(wanted, bare, n=1, cutoff=_LIKENESS)
    return bare[near[0]] if near else ""
