"""The container group that tests one image, as a definition for Azure Container Instances."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from function_app.adapters.azure.staging.tls_proxy import PORT as TLS_PORT
from function_app.adapters.azure.staging.tls_proxy import describe_proxy, make_certificate
from function_app.adapters.scoring_service.scoring_keys import KEYS
from function_app.domain.release.serving import STAGING_LIFE, Image
from function_app.late_imports import importing
from function_app.settings.azure import AzureSettings
from function_app.telemetry import OTLP_ENDPOINT

if TYPE_CHECKING:
    from azure.mgmt.containerinstance import models as aci

PORT = 8080
CONTAINER = "scoring"
# Tags that identify groups and name their images.
OWNER, RELEASE, DIGEST, VERSION, EXPIRES = "mlops", "release", "digest", "version", "expires"
# The SHA-256 of the certificate of a group with a public address.
CERTIFICATE = "certificate"


def group_name(release_id: str) -> str:
    """Return the name of a release's group: letters, digits and `-`, at most 63."""
    name = f"staging-{release_id.removeprefix('release-')}"
    if len(name) <= 63:
        return name
    return f"{name[:50].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def describe_group(
    settings: AzureSettings, release_id: str, image: Image, server: str, keys: str, now: datetime
) -> "aci.ContainerGroup":
    """Return the definition of the group, by digest and without anybody's password.

    `keys` are the digests of the keys that the service takes. With a public address TLS ends in
    the group, and the service itself is not reachable.
    """
    with importing():
        from azure.mgmt.containerinstance import models as aci

    identity, credentials = None, None
    if settings.staging_identity:
        identity = aci.ContainerGroupIdentity(
            type="UserAssigned",
            user_assigned_identities={settings.staging_identity: aci.UserAssignedIdentities()},
        )
        credentials = [
            aci.ImageRegistryCredential(server=server, identity=settings.staging_identity)
        ]
    name = group_name(release_id)
    containers, volumes = [_container(image, settings.collector, keys)], None
    certified = {}
    if not settings.staging_subnet:
        certificate = make_certificate(name, now)
        proxy, volume = describe_proxy(settings.staging_tls_image, certificate, PORT)
        containers, volumes = [*containers, proxy], [volume]
        certified = {CERTIFICATE: certificate.fingerprint}
    return aci.ContainerGroup(
        location=settings.location,
        os_type="Linux",
        restart_policy="OnFailure",
        sku="Standard",
        identity=identity,
        image_registry_credentials=credentials,
        containers=containers,
        volumes=volumes,
        ip_address=_address(settings, name),
        subnet_ids=(
            [aci.ContainerGroupSubnetId(id=settings.staging_subnet)]
            if settings.staging_subnet
            else None
        ),
        tags={
            **certified,
            OWNER: "staging",
            RELEASE: release_id,
            DIGEST: image.digest,
            VERSION: image.version,
            EXPIRES: (now + STAGING_LIFE).isoformat(timespec="seconds"),
        },
    )


def _container(image: Image, collector: str, keys: str) -> "aci.Container":
    with importing():
        from azure.mgmt.containerinstance import models as aci

    known = {"IMAGE_DIGEST": image.digest, OTLP_ENDPOINT: collector, KEYS: keys}
    probe = aci.ContainerProbe(
        http_get=aci.ContainerHttpGet(path="/healthz", port=PORT, scheme="http"),
        initial_delay_seconds=2,
        period_seconds=5,
        failure_threshold=6,
        timeout_seconds=3,
    )
    return aci.Container(
        name=CONTAINER,
        image=image.uri,
        ports=[aci.ContainerPort(port=PORT, protocol="TCP")],
        resources=aci.ResourceRequirements(
            requests=aci.ResourceRequests(cpu=1.0, memory_in_gb=1.5)
        ),
        environment_variables=[
            aci.EnvironmentVariable(name=name, value=value)
            for name, value in known.items()
            if value
        ],
        liveness_probe=probe,
        readiness_probe=probe,
    )


def _address(settings: AzureSettings, name: str) -> "aci.IpAddress":
    with importing():
        from azure.mgmt.containerinstance import models as aci

    if settings.staging_subnet:
        return aci.IpAddress(type="Private", ports=[aci.Port(port=PORT, protocol="TCP")])
    return aci.IpAddress(
        type="Public",
        ports=[aci.Port(port=TLS_PORT, protocol="TCP")],
        dns_name_label=name,
        # The name has a hash, because another tenant could take the label once it is free.
        auto_generated_domain_name_label_scope="TenantReuse",
    )
