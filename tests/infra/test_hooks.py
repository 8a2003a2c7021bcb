"""The steps around a deployment, with an `az` that writes down how it was called."""

import base64
import json
import re
import stat
from pathlib import Path

import pytest

from infra import hooks
from tests.azure_servers.acr import BASE
from tests.infra.conftest import ROOT

AZ = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "$AZ_CALLS"
echo "--" >> "$AZ_CALLS"
answer=$(head -n 1 "$AZ_ANSWERS")
sed -i 1d "$AZ_ANSWERS"
if [ "$answer" = refused ]; then echo "ResourceNotFound" >&2; exit 1; fi
echo "$answer"
"""
OUTPUTS = {
    "azurE_RESOURCE_GROUP": {"type": "String", "value": "rg-mlops-dev"},
    "mlopS_REGISTRY": {"type": "String", "value": "crx"},
    "mlopS_CLUSTER": {"type": "String", "value": "aks-x"},
    "mlopS_CLUSTER_NAMESPACE": {"type": "String", "value": "models"},
    "mlopS_APP_NAME": {"type": "String", "value": "func-x"},
    "mlopS_DATA_TOPIC": {"type": "String", "value": "evgs-data-x"},
    "mlopS_WORKSPACE_TOPIC": {"type": "String", "value": "evgs-ml-x"},
    "mlopS_REGISTRY_TOPIC": {"type": "String", "value": "evgs-images-x"},
    "mlopS_OWN_TOPIC": {"type": "String", "value": "evgt-mlops-x"},
    "mlopS_DATA_STORAGE": {"type": "String", "value": "stdatax"},
}


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an `az` and an `azd` on the path; return the file of their calls; answers: `answers`."""
    (tmp_path / "bin").mkdir()
    for name in ("az", "azd"):
        command = tmp_path / "bin" / name
        command.write_text(AZ)
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("AZ_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("AZ_ANSWERS", str(tmp_path / "answers"))
    (tmp_path / "answers").write_text("")
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    return tmp_path / "calls"


def calls(az: Path) -> list[list[str]]:
    return [call.split("\n")[:-1] for call in az.read_text().split("--\n") if call]


def test_outputs_are_read_whatever_azure_did_to_their_case(az: Path) -> None:
    outputs = hooks.read_outputs(az.parent / "outputs.json")

    assert outputs["AZURE_RESOURCE_GROUP"] == "rg-mlops-dev"
    assert outputs["MLOPS_APP_NAME"] == "func-x"


def test_the_hook_gives_the_event_parameters_that_are_checked(az: Path) -> None:
    assert hooks.main(["events", "--outputs", str(az.parent / "outputs.json")], {}) == 0

    [call] = calls(az)
    assert call[:3] == ["deployment", "group", "create"]
    given = dict(word.split("=") for word in call[call.index("--parameters") + 1 :])
    template = (ROOT / "infra" / "events.bicep").read_text()
    assert set(given) == set(re.findall(r"^param (\w+) string$", template, re.MULTILINE))
    checked = (ROOT / "infra" / "events.bicepparam").read_text()
    assert given == dict(re.findall(r"^param (\w+) = '([^']+)'$", checked, re.MULTILINE))


def test_the_subscriptions_are_tried_until_azure_lists_the_function(az: Path) -> None:
    (az.parent / "answers").write_text("refused\nrefused\n\n")
    environ = {"MLOPS_HOOK_PAUSE": "0"}

    hooks.main(["events", "--outputs", str(az.parent / "outputs.json")], environ)

    assert len(calls(az)) == 3
    assert calls(az)[0] == calls(az)[2]


def test_subscriptions_that_cannot_be_made_stop_the_deployment_with_azures_words(az: Path) -> None:
    (az.parent / "answers").write_text("refused\nrefused\n")
    environ = {"MLOPS_HOOK_PAUSE": "0", "MLOPS_HOOK_ATTEMPTS": "2"}

    with pytest.raises(SystemExit, match="ResourceNotFound"):
        hooks.main(["events", "--outputs", str(az.parent / "outputs.json")], environ)


COPY = f"{BASE.copy}:{BASE.copy_tag}"


def test_the_base_image_is_imported_once_and_its_digest_is_printed(
    az: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = BASE.reference
    (az.parent / "answers").write_text(f"refused\n\n{digest}\n{digest}\n")
    given = ["base", "--outputs", str(az.parent / "outputs.json")]

    hooks.main(given, {"MLOPS_HOOK_PAUSE": "0"})
    hooks.main(given, {"MLOPS_HOOK_PAUSE": "0"})

    assert [call[:2] for call in calls(az)] == [
        ["acr", "repository"],
        ["acr", "import"],
        ["acr", "repository"],
        ["acr", "repository"],
    ]
    assert calls(az)[0][calls(az)[0].index("--image") + 1] == f"{BASE.copy}@{digest}"
    imported = calls(az)[1]
    assert imported[imported.index("--source") + 1] == BASE.address
    assert imported[imported.index("--image") + 1] == COPY
    line = f"crx.azurecr.io/base/docker.io/library/python@{digest}"
    assert capsys.readouterr().out.count(line) == 2


def test_a_base_image_that_cannot_be_imported_stops_with_azures_words(az: Path) -> None:
    (az.parent / "answers").write_text("refused\nrefused\nrefused\n")
    environ = {"MLOPS_HOOK_PAUSE": "0", "MLOPS_HOOK_ATTEMPTS": "2"}

    with pytest.raises(SystemExit, match=r"could not be imported. ResourceNotFound"):
        hooks.main(["base", "--outputs", str(az.parent / "outputs.json")], environ)


def test_the_budgets_first_month_is_kept_once(az: Path) -> None:
    hooks.main(["budget"], {"AZURE_ENV_NAME": "mlops-dev"})

    [call] = calls(az)
    assert call[:3] == ["env", "set", "MLOPS_BUDGET_START"]
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-01", call[3])
    assert call[4:] == ["--environment", "mlops-dev"]
    hooks.main(["budget"], {"AZURE_ENV_NAME": "mlops-dev", "MLOPS_BUDGET_START": call[3]})
    assert len(calls(az)) == 1


def test_the_deployer_is_read_from_the_token(az: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = base64.urlsafe_b64encode(b'{"oid": "1234-5678", "appid": "not this"}').decode()
    (az.parent / "answers").write_text(f"head.{claims.rstrip('=')}.signature\n")

    hooks.main(["principal"], {})

    assert capsys.readouterr().out == "1234-5678\n"


def test_without_a_sign_in_there_is_nobody_who_deploys(az: Path) -> None:
    (az.parent / "answers").write_text("refused\n")

    with pytest.raises(SystemExit, match="az login"):
        hooks.main(["principal"], {})


def test_a_value_that_is_missing_is_named(az: Path) -> None:
    with pytest.raises(SystemExit, match="AZURE_RESOURCE_GROUP is not set"):
        hooks.main(["events"], {})
