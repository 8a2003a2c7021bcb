import subprocess
import sys
from pathlib import Path

import pytest

from infra.check.report import run
from tests.infra.conftest import ROOT, Break

# What is broken, and what must be said of it: the file and a part of the message.
BROKEN = {
    "a bracket is missing": (
        "main.bicep", "var names = {", "var names = ", "main.bicep:", "Expected an expression",
    ),
    "a keyword is unknown": (
        "modules/vault.bicep", "param name string", "parameter name string",
        "modules/vault.bicep:2", "Expected param, var",
    ),
    "a string is not closed": (
        "main.bicep", "param approverRole string = 'Model.Approver'",
        "param approverRole string = 'Model.Approver", "main.bicep:", "not closed",
    ),
    "a symbol is declared twice": (
        "modules/vault.bicep", "param location string", "param location string\nparam name string",
        "modules/vault.bicep:4", "declared twice",
    ),
    "a symbol is not declared": (
        "modules/vault.bicep", "workspaceId: logsId", "workspaceId: logId",
        "modules/vault.bicep:", "logId is not declared",
    ),
    "a function does not exist": (
        "main.bicep", "uniqueString(subscription().id", "uniqueText(subscription().id",
        "main.bicep:", "uniqueText() is no function",
    ),
    "a module does not exist": (
        "main.bicep", "'modules/vault.bicep'", "'modules/vaults.bicep'", "main.bicep:",
        "There is no module modules/vaults.bicep",
    ),
    "a parameter of a module is missing": (
        "main.bicep", "    retentionDays: sizes.logRetentionDays\n", "", "main.bicep:",
        "retentionDays of modules/monitoring.bicep is missing",
    ),
    "a parameter of a module is unknown": (
        "main.bicep", "    retentionDays: sizes", "    retention: 1\n    retentionDays: sizes",
        "main.bicep:", "has no param retention",
    ),
    "an output of a module does not exist": (
        "main.bicep", "monitoring.outputs.insightsId", "monitoring.outputs.insightId",
        "main.bicep:", "has no output insightId",
    ),
    "a module of a group has no scope": (
        "main.bicep", "  name: 'vault'\n  scope: group\n", "  name: 'vault'\n", "main.bicep:",
        "vault needs the scope of a group",
    ),
    "a parameter file gives what nothing takes": (
        "dev.bicepparam", "param tier = 'dev'", "param tier = 'dev'\nparam size = 1",
        "dev.bicepparam:7", "has no param size",
    ),
    "a parameter file leaves out what is needed": (
        "prod.bicepparam", "param tier = 'prod'\n", "", "prod.bicepparam:1",
        "The param tier of main.bicep is missing",
    ),
    "two modules wait for each other": (
        "main.bicep", "  params: { prefix: 'id'", "  dependsOn: [app]\n  params: { prefix: 'id'",
        "main.bicep:", "depends on itself",
    ),
    "a parameter is not used": (
        "modules/vault.bicep", "param logsId string", "param logsId string\nparam spare string = ''",
        "modules/vault.bicep:8", "spare is not used",
    ),
    "storage takes keys": (
        "modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true",
        "modules/storage.bicep:25", "allowSharedKeyAccess must be false",
    ),
    "storage says nothing of keys": (
        "modules/storage.bicep", "    allowSharedKeyAccess: false\n", "", "modules/storage.bicep:15",
        "allowSharedKeyAccess must be false",
    ),
    "the registry has an admin user": (
        "modules/registry.bicep", "adminUserEnabled: false", "adminUserEnabled: true",
        "modules/registry.bicep:", "adminUserEnabled must be false",
    ),
    "the cluster has local accounts": (
        "modules/cluster.bicep", "disableLocalAccounts: true", "disableLocalAccounts: privateNetwork",
        "modules/cluster.bicep:", "disableLocalAccounts must be true",
    ),
    "the topic takes keys": (
        "modules/topics.bicep", "disableLocalAuth: true", "disableLocalAuth: false",
        "modules/topics.bicep:", "disableLocalAuth must be true",
    ),
    "the app takes plain HTTP": (
        "modules/app.bicep", "httpsOnly: true", "httpsOnly: false", "modules/app.bicep:",
        "httpsOnly must be true",
    ),
    "the app takes old TLS": (
        "modules/app.bicep", "minTlsVersion: '1.2'", "minTlsVersion: '1.0'", "modules/app.bicep:",
        "minTlsVersion must be '1.2'",
    ),
    "a secret is a parameter": (
        "main.bicep", "param extraSettings object = {}",
        "@secure()\nparam extraSettings object = {}", "main.bicep:", "is a secret parameter",
    ),
    "a parameter looks like a secret": (
        "modules/vault.bicep", "output name string = vault.name",
        "output name string = vault.name\noutput storageKey string = vault.name",
        "modules/vault.bicep:", "output storageKey looks like a secret",
    ),
    "a key is read": (
        "modules/storage.bicep", "output name string = account.name",
        "output name string = account.listKeys().keys[0].value", "modules/storage.bicep:",
        "listKeys() ",
    ),
    "a key is written down": (
        "main.bicep", "MLOPS_STATE: '/tmp/mlops'", "MLOPS_STATE: 'AccountKey=abc'", "main.bicep:",
        "looks like a key",
    ),
    "a secret setting is no reference": (
        "main.bicep", "MLOPS_STATE: '/tmp/mlops'",
        "MLOPS_STATE: '/tmp/mlops'\n  MLOPS_TOPIC_KEY: 'abc'", "main.bicep:",
        "MLOPS_TOPIC_KEY looks like a secret",
    ),
    "a setting that the app needs is not set": (
        "main.bicep", "  MLOPS_AZURE_WORKSPACE: names.workspace\n", "", "main.bicep:",
        "reads MLOPS_AZURE_WORKSPACE and nothing sets it",
    ),
    "the platform is not Azure": (
        "main.bicep", "MLOPS_PLATFORM: 'azure'", "MLOPS_PLATFORM: 'local'", "main.bicep:",
        "needs the setting MLOPS_PLATFORM = azure",
    ),
    "a setting is misspelt": (
        "main.bicep", "MLOPS_AZURE_TENANT_ID", "MLOPS_AZURE_TENNANT_ID", "main.bicep:",
        "MLOPS_AZURE_TENNANT_ID is set and the app does not read it",
    ),
    "a setting is set that tells the app to make what it has no role to make": (
        "main.bicep", "  MLOPS_AZURE_WORKSPACE:", "  MLOPS_AZURE_KEY_VAULT: 'id'\n  MLOPS_AZURE_WORKSPACE:",
        "main.bicep:", "MLOPS_AZURE_KEY_VAULT must stay unset",
    ),
    "a setting has a name that only looks right": (
        "main.bicep", "'MLOPS_GIT_TOKEN_${", "'MLOPS_GITTOKEN_${", "main.bicep:",
        "MLOPS_GITTOKEN_GITHUB_COM is set and the app does not read it",
    ),
    "a channel is named that the app has not": (
        "main.bicep", "'MLOPS_NOTIFY_${", "'MLOPS_NOTIFY_MY_${", "main.bicep:",
        "MLOPS_NOTIFY_MY_SLACK_URL is set and the app does not read it",
    ),
    "a channel's address is no reference": (
        "main.bicep", "channel => '@Microsoft.KeyVault(VaultName", "channel => 'https://(VaultName",
        "main.bicep:", "MLOPS_NOTIFY_TEAMS_URL looks like a secret",
    ),
    "mail by Azure has no recipients": (
        "main.bicep", "join(mailTo, ',')", "take(join(mailTo, ','), 0)", "main.bicep:",
        "MLOPS_NOTIFY_AZURE_MAIL_ENDPOINT needs MLOPS_NOTIFY_AZURE_MAIL_FROM",
    ),
    "a role of a module has another condition": (
        "main.bicep", "'modules/mail-roles.bicep' = if (!empty(mailService))",
        "'modules/mail-roles.bicep' = if (withCluster)", "roles.json:",
        "Communication and Email Service Owner for app on mailService (!empty(mailService)) is not",
    ),
    "a number is none": (
        "main.bicep", "string(sizes.computeNodes)", "'many'", "main.bicep:",
        "MLOPS_AZURE_COMPUTE_NODES is 'many'; it must be a number",
    ),
    "an event is sent to no function": (
        "events.bicep", "functionName string = 'on_event'", "functionName string = 'on_events'",
        "events.bicep:3", "no function 'on_events'",
    ),
    "an event that the app takes is not sent": (
        "events.bicep", "'Microsoft.MachineLearningServices.RunCompleted'\n", "", "events.bicep:",
        "RunCompleted and nothing sends it",
    ),
    "a role is not assigned": (
        "modules/roles.bicep", "appPrincipalId, eventGridDataSender)\n  scope: ownTopic",
        "appPrincipalId, eventGridDataSender)\n  scope: vault", "roles.json:",
        "EventGrid Data Sender for app on ownTopic (always) is not assigned",
    ),
    "a role has no row": (
        "roles.json", '"scope": "ownTopic",\n      "when": "each"',
        '"scope": "ownTopic",\n      "when": ""', "modules/roles.bicep:",
        "for publisher on ownTopic (each) has no row",
    ),
    "a role has another condition": (
        "modules/roles.bicep",
        "if (useScheduler) {\n  name: guid(taskHub.id, appPrincipalId",
        "if (withCluster) {\n  name: guid(taskHub.id, appPrincipalId", "roles.json:",
        "Durable Task Data Contributor for app on taskHub (useScheduler) is not assigned",
    ),
    "a role is another one": (
        "modules/roles.bicep", "'7f951dda-4ed3-4680-a7ca-43fe172d538d'",
        "'8311e382-0749-4cb8-b61a-304f252e45ec'", "roles.json:", "AcrPull for app on registry",
    ),
    "a name is too long": (
        "main.bicep", "hostStorage: 'sthost${suffix}'", "hostStorage: 'stfunctionshost${suffix}'",
        "modules/storage.bicep:15", "takes 3 to 24",
    ),
    "a name has a letter that is not taken": (
        "main.bicep", "registry: 'cr${suffix}'", "registry: 'cr-${suffix}'",
        "modules/registry.bicep:", "has a form that Microsoft.ContainerRegistry/registries",
    ),
    "the environment's name may be longer than a name can be": (
        "main.bicep", "@maxLength(20)", "@maxLength(90)", "main.bicep:", "takes 1 to 90",
    ),
    "an api-version was not looked up": (
        "modules/vault.bicep", "Microsoft.KeyVault/vaults@2024-11-01",
        "Microsoft.KeyVault/vaults@2031-01-01", "modules/vault.bicep:9", "is not in api-versions",
    ),
    "a property does not exist": (
        "modules/cluster.bicep", "dnsPrefix: name", "dnsPrefixes: name", "modules/cluster.bicep:",
        "is not known to have properties/dnsPrefixes",
    ),
    "the task hubs differ": (
        "main.bicep", "var taskHubName = 'mlops'", "var taskHubName = 'other'",
        "host/scheduler.json:1", "has the task hub 'mlops'",
    ),
    "Durable asks its queues too seldom": (
        "host/storage.json", "00:00:10", "00:00:30", "host/storage.json:1", "is longer than",
    ),
    "the scheduler's connection is another one": (
        "host/scheduler.json", "DURABLE_TASK_SCHEDULER_CONNECTION_STRING", "SCHEDULER",
        "host/scheduler.json:1", "The setting 'SCHEDULER' of this backend is not set",
    ),
    "a text that is loaded is not there": (
        "modules/alerts.bicep", "'../queries/dead-letters.kql'", "'../queries/letters.kql'",
        "dev.bicepparam:", "../queries/letters.kql cannot be loaded",
    ),
}  # fmt: skip


def test_the_templates_have_no_problem() -> None:
    report = run(ROOT / "infra", ROOT)

    assert [str(problem) for problem in report.problems] == []


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_copy_is_found_and_the_place_is_named(what: str, broken: Break) -> None:
    name, old, new, place, message = BROKEN[what]

    problems = broken(name, old, new)

    assert any(text.startswith(place) and message in text for text in problems), problems


def test_two_vaults_may_not_share_a_name_of_the_world(broken: Break) -> None:
    problems = broken("main.bicep", "vault: 'kv-${suffix}'", "vault: 'cr${suffix}'")
    assert problems == []  # another type of resource: names of the world are by type

    problems = broken("main.bicep", "mlStorage: 'stml${suffix}'", "mlStorage: 'stdata${suffix}'")

    assert any("is the name of two resources" in text for text in problems), problems


def test_a_port_whose_adapter_has_neither_a_role_nor_a_reason_is_found(
    templates: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    (repository / "function_app" / "ports").mkdir(parents=True)
    for part in ("function_app/wiring.py", "function_app/ports/__init__.py", "host.json"):
        (repository / part).write_text((ROOT / part).read_text())
    ports = repository / "function_app" / "ports" / "__init__.py"
    assert run(templates, repository).problems == ()

    ports.write_text(ports.read_text().replace("    ledger: Ledger\n", "    searches: Ledger\n"))

    texts = [problem.text for problem in run(templates, repository).problems]
    assert any("ledger.py is the adapter of no port" in text for text in texts)
    assert any("searches.py has neither a row" in text for text in texts)


def test_the_command_prints_the_place_and_fails(templates: Path) -> None:
    good = subprocess.run(
        [sys.executable, "-m", "infra.check"], cwd=ROOT, capture_output=True, text=True
    )
    assert good.returncode == 0
    assert good.stdout.endswith("0 problems\n")

    wrong = subprocess.run(
        [sys.executable, "-m", "infra.check", "--more"], cwd=ROOT, capture_output=True, text=True
    )
    assert wrong.returncode == 2


def test_the_page_of_roles_is_current() -> None:
    from infra.check.role_page import write_page

    assert (ROOT / "docs" / "roles.md").read_text() == write_page(ROOT / "infra")
