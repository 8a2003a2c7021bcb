"""No credential is left in a text, wherever in it and in which dress it came."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from function_app.domain.redaction import redact

SECRETS = st.text(alphabet=string.ascii_letters + string.digits + "+/_-%.~", min_size=12)
FRAMES = (
    "https://a.blob.core.windows.net/c/b.csv?sv=2024-01-01&se=2030&sr=b&sig={}",
    "https://a.blob.core.windows.net/c/b.csv?sig={}&se=2030",
    "https://x.example/?next=https%3A%2F%2Fa%3Fsv%3D1%26sig%3D{}%26se%3D2",
    "https://app.azurewebsites.net/api/events?code={}",
    "Authorization: Bearer {}",
    "authorization: basic {}",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core.windows.net",
    "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey={}",
    "BlobEndpoint=https://a;SharedAccessSignature=sv=1&sig={}",
    "smtp://user:{}@mail.example:587?from=a",
    "https://{}@github.com/o/r.git",
    '{{"access_token": "{}", "expires_in": 1}}',
    "{{'client_secret': '{}'}}",
    "grant_type=client_credentials&client_secret={}&scope=x",
    "aeg-sas-key={}",
    "x-functions-key: {}",
    "https://hooks.slack.com/services/T0/B0/{}",
    "skoid={}&sktid=1",
)


@pytest.mark.parametrize("frame", FRAMES)
@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_credential_survives(frame: str, secret: str, before: str, after: str) -> None:
    if frame.startswith(("smtp", "https://{}")):
        secret = secret.replace("/", "+")
    assume(secret not in before + after)

    text = redact(f"{before} {frame.format(secret)} {after}")

    assert secret not in text
    assert redact(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl",
    ],
)
def test_keys_and_tokens_are_known_without_a_name(key: str) -> None:
    assert key not in redact(f"The request failed with {key}, it said.")


@pytest.mark.parametrize(
    "text",
    [
        "release-diabetes-12: AuthorizationFailed, HTTP 403, request 0f8fad5b.",
        "https://account.table.core.windows.net/ledger is not there.",
        "sha256:" + "a" * 64,
        "exit code 3 of the run",
        "ada@example.com decided",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact(text) == text
