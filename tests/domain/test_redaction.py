"""Redaction removes credentials from texts, at any position and in any encoding."""

import json
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from function_app.domain.text.redaction import redact, redact_content, redact_fields

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
    assume(secret not in before + after + frame)

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
def test_texts_without_credentials_stay(text: str) -> None:
    assert redact(text) == text


LETTERS = string.ascii_letters
ALNUM = LETTERS + string.digits
BASE64 = ALNUM + "+/"


def chars(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=least, max_size=most or least)


def framed(before: str, body: st.SearchStrategy[str], after: str = "") -> st.SearchStrategy[str]:
    return body.map(lambda text: f"{before}{text}{after}")


def pem(kind: str) -> st.SearchStrategy[str]:
    lines = st.lists(chars(BASE64, 64), min_size=1, max_size=6).map("\n".join)
    return framed(f"-----BEGIN {kind}-----\n", lines, f"\n-----END {kind}-----")


# Credentials that their form identifies, as their makers document it.
KNOWN_BY_FORM = {
    **{f"GitHub {kind}": framed(f"gh{kind}_", chars(ALNUM, 36, 255)) for kind in "pousr"},
    "GitHub fine-grained": framed("github_pat_", chars(ALNUM + "_", 82)),
    "Azure DevOps": st.tuples(chars(ALNUM, 76), chars(ALNUM, 4)).map("AZDO".join),
    "Azure DevOps, older": framed("q", chars(LETTERS[:26] + "234567", 51)),
    "Slack bot": framed("xoxb-", chars(ALNUM + "-", 24, 60)),
    "Slack user": framed("xoxp-", chars(ALNUM + "-", 24, 60)),
    "Slack app": framed("xapp-1-", chars(ALNUM + "-", 24, 60)),
    "Slack webhook": framed("https://hooks.slack.com/services/", chars(ALNUM + "/", 30)),
    "Slack trigger": framed("https://hooks.slack.com/triggers/", chars(ALNUM + "/", 30)),
    "Teams webhook": framed("https://org.webhook.office.com/webhookb2/", chars(ALNUM, 32)),
    "Teams workflow": framed(
        "https://prod-1.westeurope.logic.azure.com:443/workflows/", chars(ALNUM, 32)
    ),
    **{
        kind: pem(kind)
        for kind in (
            "PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        )
    },
    "storage account key": framed("", chars(BASE64, 86), "=="),
    "Entra client secret": st.tuples(
        chars(ALNUM, 3), chars(string.digits, 1), chars(ALNUM + "_~.-", 31, 34)
    ).map(lambda parts: f"{parts[0]}{parts[1]}Q~{parts[2]}"),
    "JSON web token": st.tuples(*(chars(ALNUM + "_-", 20, 60) for _ in range(3))).map(
        lambda parts: "eyJ" + ".".join(parts)
    ),
    "approver's token": framed("mlopsat_", chars(ALNUM + "_-", 43)),
}


FORM_FRAMES = ("{}", "It said {} and ended.", "x={}", '{{"a": "{}"}}', "({})", "line\n{}\nline")


@pytest.mark.parametrize("kind", KNOWN_BY_FORM)
@given(data=st.data())
def test_a_credential_is_known_by_its_form(kind: str, data: st.DataObject) -> None:
    secret = data.draw(KNOWN_BY_FORM[kind])
    core = secret.rpartition("/services/")[2] if "services" in secret else secret

    # To draw a credential takes longer than to redact it: each credential stands in every frame.
    for frame in FORM_FRAMES:
        text = redact(frame.format(secret))

        assert secret not in text, frame
        assert core not in text, frame
        assert redact(text) == text, frame


@given(
    user=chars(ALNUM, 1, 12),
    password=chars(ALNUM + "+_%.~!$*@/:", 12, 40),
    scheme=st.sampled_from(["https", "http", "ssh", "smtp", "postgresql", "amqps", "abfss"]),
)
def test_a_password_in_a_url_is_removed(user: str, password: str, scheme: str) -> None:
    # A port and a path, as in https://host:80/a@b, are no password.
    assume(not password.split("/")[0].isdigit())
    # In https://user:@host/a@b the password is empty, and the rest is a host and a path.
    assume("/" not in password or not password.startswith("@"))
    text = redact(f"fatal: {scheme}://{user}:{password}@host.example:443/path failed")

    assert password not in text
    assert text.endswith("host.example:443/path failed")


HEX = "0123456789abcdef"
BLAMELESS = {
    "commit": chars(HEX, 40),
    "commit in a URL": framed("https://github.com/org/models/commit/", chars(HEX, 40)),
    "image digest": framed("registry.example/diabetes@sha256:", chars(HEX, 64)),
    "model digest": chars(HEX, 64),
    "assignment": framed("commit=", chars(HEX, 40)),
    "uuid": st.uuids().map(str),
    "release": framed("release-diabetes-", chars(string.digits, 1, 6)),
    "run": framed("train-diabetes-", chars(HEX, 12), "-vs-nothing"),
    "path": framed("/srv/mlops/state/runs/", chars(ALNUM + "/_-.", 1, 80)),
    "clone by ssh": framed("ssh://git@github.com/org/", chars(ALNUM, 1, 20)),
    "container": framed("abfss://data@account.dfs.core.windows.net/", chars(ALNUM, 1, 20)),
    "figures": st.floats(0, 1e6).map(lambda mse: f"mse {mse} against {mse}, gain at least 0.0"),
}


@pytest.mark.parametrize("kind", BLAMELESS)
@given(data=st.data())
def test_an_identifier_is_no_credential(kind: str, data: st.DataObject) -> None:
    text = data.draw(BLAMELESS[kind])

    assert redact(text) == text
    assert redact(f"It is {text}, as ever.") == f"It is {text}, as ever."


@given(secret=chars(ALNUM, 12, 40))
def test_a_secret_inside_of_a_json_value_is_removed(secret: str) -> None:
    assume(secret not in ("password", "client_secret"))
    content = {
        "data": {
            "password": f"with blanks {secret} and ' marks",
            "client_secret": secret,
            "url": f"https://user:{secret}@host/a?sig={secret}&x=1",
            "list": [{"Authorization": f"Bearer {secret}"}],
        },
        "number": 5,
        "commit": "0f" * 20,
    }

    seen = redact_content(content)

    assert secret not in json.dumps(seen)
    assert (seen["number"], seen["commit"]) == (5, "0f" * 20)
    assert secret not in redact(json.dumps({"inner": json.dumps(content)}))


def test_a_deeply_nested_value_is_cut_and_breaks_nothing() -> None:
    content: object = "end"
    for _ in range(5000):
        content = [content]

    assert "end" not in str(redact_content(content))


def test_only_the_fields_for_people_change_in_a_result() -> None:
    token = "ghp_" + "a1B2" * 9
    content = {"reasons": [f"It printed {token}."], "image": {"detail": token, "uri": f"x:{token}"}}

    assert redact_fields(content) == {
        "reasons": ["It printed ***."],
        "image": {"detail": "***", "uri": f"x:{token}"},
    }


@pytest.mark.parametrize(
    "piece", ["://a:", "-eyJ", "password ", "ghp_", 'password\\"=\\"', "token", "A", "%3A%2F%2F"]
)
def test_a_hostile_text_takes_linear_work(piece: str) -> None:
    # A quadratic pattern would run for hours here; pytest's own limit ends it.
    text = piece * (2_000_000 // len(piece))

    assert len(redact(text)) <= len(text)
