"""No keys, no secrets, nothing but TLS: what each resource must say, literally."""

import re
from collections.abc import Iterator

from infra.check.problems import Problem
from infra.check.program import Program, expressions
from infra.check.syntax import (
    BicepFile,
    Call,
    Declaration,
    Expression,
    Interpolation,
    Literal,
    Object,
)

# Resource type -> path below the resource -> the literal that must stand there.
REQUIRED: dict[str, dict[str, str | bool]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.supportsHttpsTrafficOnly": True,
        "properties.minimumTlsVersion": "TLS1_2",
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {
        "properties.publicAccess": "None",
    },
    "Microsoft.KeyVault/vaults": {"properties.enableRbacAuthorization": True},
    "Microsoft.ContainerRegistry/registries": {
        "properties.adminUserEnabled": False,
        "properties.anonymousPullEnabled": False,
    },
    "Microsoft.ContainerService/managedClusters": {
        "properties.disableLocalAccounts": True,
        "properties.enableRBAC": True,
        "properties.aadProfile.managed": True,
        "properties.aadProfile.enableAzureRBAC": True,
        "properties.oidcIssuerProfile.enabled": True,
        "properties.securityProfile.workloadIdentity.enabled": True,
    },
    "Microsoft.EventGrid/topics": {
        "properties.disableLocalAuth": True,
        "properties.minimumTlsVersionAllowed": "1.2",
    },
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.MachineLearningServices/workspaces": {
        "properties.systemDatastoresAuthMode": "Identity",
    },
    "Microsoft.MachineLearningServices/workspaces/computes": {
        "properties.disableLocalAuth": True,
        "properties.properties.remoteLoginPortPublicAccess": "Disabled",
    },
    "Microsoft.Web/sites": {
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.siteConfig.remoteDebuggingEnabled": False,
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
}
SECRET_NAME = re.compile(r"key$|keys$|secret|passw|token|sas$|connectionstring|credential", re.I)
SECRET_TEXT = re.compile(r"AccountKey=|SharedAccess|[?&]sig=|-----BEGIN|Password=", re.I)
SECRET_CALL = re.compile(r"^list[A-Z]|^list$|^getSecret$")
# Looks like a secret and is none, because the resource takes no keys.
HARMLESS = {("modules/monitoring.bicep", "connectionString")}


def check(program: Program) -> Iterator[Problem]:
    """Yield every resource that says too little and everything that looks like a secret."""
    for file in program.files.values():
        for declaration in file.of("resource"):
            if not declaration.existing:
                yield from _required(file, declaration)
        yield from _secrets(file)


def _required(file: BicepFile, declaration: Declaration) -> Iterator[Problem]:
    kind = declaration.type.partition("@")[0]
    for path, wanted in REQUIRED.get(kind, {}).items():
        found = _at(declaration.body(), path)
        value = found.value if isinstance(found, Literal) else None
        if value != wanted or type(value) is not type(wanted):
            line = found.line if found else declaration.line
            text = f"{declaration.name} ({kind}): {path} must be {_bicep(wanted)}."
            yield Problem(path=file.path, line=line, text=text)


def _at(body: Expression | None, path: str) -> Expression | None:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, Object) else None
    return body


def _bicep(value: str | bool) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _secrets(file: BicepFile) -> Iterator[Problem]:
    for entry in file.declarations:
        if entry.decorator("secure"):
            text = f"{entry.name} is a secret parameter. Use an identity, or a Key Vault reference."
            yield Problem(path=file.path, line=entry.line, text=text)
        named = entry.kind in ("param", "output") and entry.type in ("string", "string?")
        if named and SECRET_NAME.search(entry.name) and (file.path, entry.name) not in HARMLESS:
            text = f"The {entry.kind} {entry.name} looks like a secret."
            yield Problem(path=file.path, line=entry.line, text=text)
    for node in expressions(file):
        if isinstance(node, Call) and SECRET_CALL.match(node.name):
            text = f"{node.name}() reads a secret. Use an identity, or a Key Vault reference."
            yield Problem(path=file.path, line=node.line, text=text)
        if any(SECRET_TEXT.search(part) for part in _texts(node)):
            text = "This text looks like a key. Use an identity, or a Key Vault reference."
            yield Problem(path=file.path, line=node.line, text=text)


def _texts(node: Expression) -> tuple[str, ...]:
    if isinstance(node, Interpolation):
        return tuple(part for part in node.parts if isinstance(part, str))
    return (node.value,) if isinstance(node, Literal) and isinstance(node.value, str) else ()
