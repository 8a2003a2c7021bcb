"""TLS for a container group with a public address: a proxy container that terminates it.

The certificate is made for one group and signed by itself. Its fingerprint is a tag of the group: a
reader of the group knows which certificate to trust, and any other certificate is refused.

Source: "Enable TLS with a sidecar container" and "Mount a secret volume in Azure Container
Instances", Microsoft Learn.
"""

import base64
import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from function_app.domain.release.serving import STAGING_LIFE
from function_app.errors import PlatformError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.mgmt.containerinstance import models as aci

PORT = 8443
CONTAINER, _VOLUME, _FOLDER = "tls", "tls", "/tls"
# Nothing but the routes of a probe; addresses are not logged.
_CONFIG = """\
worker_processes 1;
pid /tmp/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_max_body_size 4m;
  server {{
    listen {port} ssl;
    ssl_certificate {folder}/tls.crt;
    ssl_certificate_key {folder}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    location = /score {{ proxy_pass http://127.0.0.1:{target}; }}
    location = /healthz {{ proxy_pass http://127.0.0.1:{target}; }}
    location / {{ return 404; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate and its key, in PEM, and the SHA-256 of the certificate as hex digits."""

    certificate: bytes
    key: bytes
    fingerprint: str


def make_certificate(name: str, now: datetime) -> Certificate:
    """Return a new self-signed certificate that outlives a deployment in staging."""
    with importing():
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + STAGING_LIFE + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8
    return Certificate(
        certificate=made.public_bytes(pem),
        key=key.private_bytes(pem, private, serialization.NoEncryption()),
        fingerprint=made.fingerprint(hashes.SHA256()).hex(),
    )


def describe_proxy(
    image: str, certificate: Certificate, target: int
) -> "tuple[aci.Container, aci.Volume]":
    """Return the container that ends TLS and forwards to the port `target`, and its volume."""
    with importing():
        from azure.mgmt.containerinstance import models as aci

    config = _CONFIG.format(port=PORT, folder=_FOLDER, target=target).encode()
    files = {
        "nginx.conf": config,
        "tls.crt": certificate.certificate,
        "tls.key": certificate.key,
    }
    volume = aci.Volume(
        name=_VOLUME,
        secret={name: base64.b64encode(content).decode() for name, content in files.items()},
    )
    container = aci.Container(
        name=CONTAINER,
        image=image,
        command=["nginx", "-c", f"{_FOLDER}/nginx.conf", "-g", "daemon off;"],
        ports=[aci.ContainerPort(port=PORT, protocol="TCP")],
        resources=aci.ResourceRequirements(
            requests=aci.ResourceRequests(cpu=0.25, memory_in_gb=0.5)
        ),
        volume_mounts=[aci.VolumeMount(name=_VOLUME, mount_path=_FOLDER, read_only=True)],
    )
    return container, volume


def trust(endpoint: str, fingerprint: str) -> ssl.SSLContext:
    """Return an SSL context that trusts the certificate with this fingerprint and no other.

    PlatformError when the server shows another certificate or none.
    """
    parts = urlsplit(endpoint)
    address = (str(parts.hostname), parts.port or 443)
    try:
        shown = ssl.get_server_certificate(address, timeout=10)
    except OSError as error:
        text = f"{endpoint} does not answer over TLS ({type(error).__name__})."
        raise PlatformError("azure", "reach staging", text) from error
    if hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest() != fingerprint:
        text = f"{endpoint} shows another certificate than its container group was given."
        raise PlatformError("azure", "reach staging", text)
    # The certificate is the only anchor, so its name, which Azure completes, need not match.
    context = ssl.create_default_context(cadata=shown)
    context.check_hostname = False
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
