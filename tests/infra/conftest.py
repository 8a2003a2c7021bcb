import re
from pathlib import Path

from tests.azure_servers.storage import identity, tls

__all__ = ["identity", "tls"]

ROOT = Path(__file__).parents[2]


def read_variables(parameters: str) -> dict[str, str]:
    """Return the variables that a parameter file reads, with their defaults."""
    text = (ROOT / "infra" / f"{parameters}.bicepparam").read_text()
    return dict(re.findall(r"readEnvironmentVariable\('(\w+)', '([^']*)'\)", text))
