"""Settings of the Azure adapters: each field is the setting MLOPS_AZURE_<FIELD>.

Every address can be set, so that sovereign clouds, private endpoints and simulators differ by
settings only.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields

from function_app.errors import ConfigError

PREFIX = "MLOPS_AZURE_"
# Names no compute: Azure chooses the nodes.
SERVERLESS = "serverless"
# The value of a setting whose Key Vault reference could not be resolved begins so.
UNRESOLVED = "@Microsoft.KeyVault("


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSettings:
    """Names of the resources, the identities, and where the services listen."""

    subscription_id: str = field(metadata={"help": "subscription of all resources"})
    resource_group: str = field(metadata={"help": "resource group of the workspace"})
    location: str = field(metadata={"help": "region, such as westeurope"})
    workspace: str = field(metadata={"help": "Azure ML workspace"})
    compute: str = field(default="training", metadata={"help": "AmlCompute; `serverless` for none"})
    compute_size: str = field(
        default="Standard_DS3_v2", metadata={"help": "VM size of the training nodes"}
    )
    compute_nodes: int = field(default=2, metadata={"help": "most nodes; the fewest is zero"})
    compute_identity: str = field(
        default="", metadata={"help": "resource id of the identity that runs train under"}
    )
    checks_compute: str = field(
        default="checks", metadata={"help": "AmlCompute that checks run on; `serverless` for none"}
    )
    checks_identity: str = field(
        default="",
        metadata={
            "help": "resource id of the identity of checks; that of trainings, which can do more"
        },
    )
    judge_compute: str = field(
        default="judging",
        metadata={"help": "AmlCompute that reads data and judges models; `serverless` for none"},
    )
    judge_nodes: int = field(default=1, metadata={"help": "its most nodes; the fewest is zero"})
    judge_identity: str = field(
        default="",
        metadata={"help": "resource id of its identity; that of trainings, whose code is judged"},
    )
    training_image: str = field(
        default="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest",
        metadata={"help": "image under the packages of runs; pin it by digest"},
    )
    registry: str = field(metadata={"help": "name of the container registry"})
    registry_server: str = field(
        default="", metadata={"help": "its login server; <registry>.azurecr.io"}
    )
    registry_scope: str = field(
        default="https://containerregistry.azure.net/.default",
        metadata={"help": "audience of the registry's data plane"},
    )
    tables_endpoint: str = field(metadata={"help": "https://<account>.table.core.windows.net"})
    blob_endpoint: str = field(metadata={"help": "https://<account>.blob.core.windows.net"})
    data_container: str = field(default="data", metadata={"help": "container of arriving data"})
    versions_container: str = field(
        default="versions",
        metadata={"help": "data versions, code bundles and records; only the app writes it"},
    )
    runs_container: str = field(
        default="runs",
        metadata={"help": "container of models, predictions and logs, which models' code writes"},
    )
    evaluations_container: str = field(
        default="evaluations",
        metadata={"help": "container of held-out rows and evaluations; no model's code writes it"},
    )
    checks_container: str = field(
        default="checks", metadata={"help": "container of the reports of checks"}
    )
    checks_inputs_container: str = field(
        default="checks-inputs",
        metadata={"help": "code, tools and plans of checks; all that a check may read"},
    )
    predictions_container: str = field(
        default="predictions", metadata={"help": "container of the replicas' prediction logs"}
    )
    replica_client_id: str = field(
        default="",
        metadata={"help": "client id of the identity that replicas send logs and spans with"},
    )
    replica_insights: str = field(
        default="",
        metadata={"help": "connection string; where replicas send spans without a collector"},
    )
    replica_identity: str = field(
        default="", metadata={"help": "its resource id; for production `endpoint`"}
    )
    production: str = field(
        default="cluster", metadata={"help": "cluster (AKS), or endpoint (Azure ML, managed)"}
    )
    endpoint_size: str = field(
        default="Standard_DS3_v2", metadata={"help": "nodes of a managed endpoint"}
    )
    cluster: str = field(default="", metadata={"help": "AKS cluster of production"})
    cluster_resource_group: str = field(
        default="", metadata={"help": "resource group of the cluster; the workspace's own"}
    )
    cluster_namespace: str = field(
        default="models", metadata={"help": "Kubernetes namespace of the replicas"}
    )
    cluster_exposure: str = field(
        default="internal", metadata={"help": "load balancer: internal; cluster for none"}
    )
    public_domain: str = field(
        default="", metadata={"help": "public models are at https://<model>.<this domain>"}
    )
    public_certificate: str = field(
        default="",
        metadata={"help": "their certificate: https://<vault>.vault.azure.net/certificates/<name>"},
    )
    keys_vault: str = field(
        default="", metadata={"help": "https://<vault>.vault.azure.net; keys of production"}
    )
    staging_resource_group: str = field(
        default="", metadata={"help": "group of the container groups; the app's own"}
    )
    staging_identity: str = field(
        default="", metadata={"help": "resource id of the identity that pulls staging's images"}
    )
    staging_tls_image: str = field(
        default="mcr.microsoft.com/azurelinux/base/nginx:1",
        metadata={"help": "nginx; ends TLS before staging with a public address"},
    )
    staging_subnet: str = field(default="", metadata={"help": "resource id; private when set"})
    client_id: str = field(default="", metadata={"help": "client id of the app's own identity"})
    tenant_id: str = field(default="", metadata={"help": "Entra tenant of approvers' tokens"})
    approver_audience: str = field(
        default="", metadata={"help": "audience of approvers' tokens (app id or api:// address)"}
    )
    approver_role: str = field(default="Model.Approver", metadata={"help": "role claim they need"})
    approver_scope: str = field(
        default="", metadata={"help": "scope that does instead of the role; empty for none"}
    )
    caller_audience: str = field(
        default="",
        metadata={"help": "audience of callers' tokens to production on AKS; empty: keys only"},
    )
    caller_role: str = field(default="Model.Caller", metadata={"help": "role claim that may call"})
    caller_apps: str = field(
        default="", metadata={"help": "client ids, by commas, that may call without the role"}
    )
    key_vault: str = field(default="", metadata={"help": "resource id; only to make the workspace"})
    application_insights: str = field(
        default="", metadata={"help": "resource id; only to make the workspace"}
    )
    events_function: str = field(
        default="", metadata={"help": "resource id of the function that takes events"}
    )
    data_topic: str = field(default="", metadata={"help": "system topic of the data's storage"})
    workspace_topic: str = field(default="", metadata={"help": "system topic of the workspace"})
    management_endpoint: str = field(
        default="https://management.azure.com", metadata={"help": "Azure Resource Manager"}
    )
    authority: str = field(
        default="https://login.microsoftonline.com", metadata={"help": "Entra, which issues tokens"}
    )
    aml_resource_id: str = field(
        default="https://ml.azure.com", metadata={"help": "audience of Azure ML's data plane"}
    )
    portal_endpoint: str = field(
        default="https://portal.azure.com", metadata={"help": "portal that links lead to"}
    )
    storage_suffix: str = field(
        default="core.windows.net", metadata={"help": "domain of storage accounts"}
    )
    discovery_endpoint: str = field(
        default="https://eastus.api.azureml.ms/registrymanagement/v1.0/registries",
        metadata={"help": "where the SDK of Azure ML finds the region of a registry"},
    )
    topic_scope: str = field(
        default="https://eventgrid.azure.net/.default",
        metadata={"help": "audience of Event Grid topics"},
    )
    cluster_scope: str = field(
        default="6dae42f8-4368-4678-94ff-3960e28e3630/.default",
        metadata={"help": "audience of AKS's Entra server, the same in every tenant"},
    )
    collector: str = field(
        default="", metadata={"help": "OTLP address to which the replicas send spans"}
    )
    build_seconds: int = field(default=3600, metadata={"help": "most that an image's build takes"})
    rollout_seconds: int = field(
        default=600,
        metadata={"help": "seconds without progress after which replicas on AKS have failed"},
    )
    ca_file: str = field(default="", metadata={"help": "CA certificates instead of the system's"})
    poll_seconds: float = field(default=5.0, metadata={"help": "interval of the SDKs' pollers"})


def read_azure_settings(environ: Mapping[str, str]) -> AzureSettings:
    """Return the settings of the Azure platform, or raise ConfigError naming the bad keys."""
    values: dict[str, str | int | float] = {}
    absent = []
    for entry in fields(AzureSettings):
        name = PREFIX + entry.name.upper()
        text = environ.get(name, "")
        if text.startswith(UNRESOLVED):
            raise ConfigError(f"{name} is a Key Vault reference that was not resolved. See docs.")
        if text:
            values[entry.name] = _cast(name, text, entry.type)
        elif entry.default is MISSING:
            absent.append(name)
    if absent:
        raise ConfigError(f"MLOPS_PLATFORM=azure needs {', '.join(absent)}. infra/ sets them.")
    settings = AzureSettings(**values)  # type: ignore[arg-type]
    _refuse_short_limits(settings)
    _refuse_shared_compute(settings)
    return settings


def _refuse_shared_compute(settings: AzureSettings) -> None:
    """Refuse one compute for two identities, because code on it can take the tokens of both."""
    s = settings
    uses = [
        ("Trainings", "COMPUTE", s.compute, s.compute_identity),
        ("Judging", "JUDGE_COMPUTE", s.judge_compute, s.judge_identity or s.compute_identity),
        ("Checks", "CHECKS_COMPUTE", s.checks_compute, s.checks_identity or s.compute_identity),
    ]
    for number, (name, setting, compute, identity) in enumerate(uses):
        for other, _, used, given in uses[:number]:
            if compute == used != SERVERLESS and identity.lower() != given.lower():
                text = f"{other} and {name.lower()} share the compute {compute} under two"
                raise ConfigError(f"{text} identities. Give {PREFIX}{setting} another name.")


def _refuse_short_limits(settings: AzureSettings) -> None:
    """Refuse a time limit in which nothing can succeed."""
    for name, least in (("build_seconds", 300), ("rollout_seconds", 60)):
        if getattr(settings, name) < least:
            text = f"{PREFIX}{name.upper()} is {getattr(settings, name)}."
            raise ConfigError(f"{text} Give at least {least} seconds.")


def _cast(name: str, text: str, kind: object) -> str | int | float:
    number = {int: int, float: float}.get(kind)  # type: ignore[call-overload]
    if number is None:
        return text
    try:
        return number(text)  # type: ignore[no-any-return]
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}; it must be a number.") from error
