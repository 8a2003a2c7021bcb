"""Reads facts about a subscription and a region from Azure; changes nothing."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.errors import NotFoundError
from infra.preflight.findings import Finding
from infra.preflight.needs import Named, Needs

_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_ASSIGNERS = {
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
# By type: the provider's question, its api-version, and the version that shows the resource.
_NAME_CHECKS = {
    "Microsoft.Storage/storageAccounts": ("Microsoft.Storage/checkNameAvailability", "2025-01-01"),
    "Microsoft.ContainerRegistry/registries": (
        "Microsoft.ContainerRegistry/checkNameAvailability",
        "2025-11-01",
    ),
    "Microsoft.KeyVault/vaults": ("Microsoft.KeyVault/checkNameAvailability", "2024-11-01"),
    "Microsoft.Web/sites": ("Microsoft.Web/checknameavailability", "2024-11-01"),
}
_ENOUGH = (
    "Owner is needed on the subscription, or Contributor with User Access Administrator or"
    " Role Based Access Control Administrator."
)
_FLEX_REGIONS = "az functionapp list-flexconsumption-locations"
_ZONAL_FLEX = "FCZONEREDUNDANCY"
_Json = dict[str, Any]


class Subscription:
    """Reads from the management API as the person who is signed in."""

    def __init__(self, connection: Connection, subscription: str, location: str) -> None:
        self._connection, self._location = connection, location.replace(" ", "").lower()
        self._root = f"/subscriptions/{subscription}"
        self._known_sizes: dict[str, _Json] | None = None

    def providers(self, needs: Needs) -> Iterator[Finding]:
        """Report resource providers that are not registered."""
        registered = {
            entry["namespace"].lower(): entry.get("registrationState", "")
            for entry in self._list("/providers", "2021-04-01")
        }
        missing = [p for p in needs.providers if registered.get(p.lower()) != "Registered"]
        commands = "; ".join(f"az provider register --namespace {name}" for name in missing)
        yield Finding(
            about="resource providers",
            seen=f"not registered: {', '.join(missing)}"
            if missing
            else f"{len(needs.providers)} are registered",
            action=f"Register them, which takes minutes: {commands}" if missing else "",
        )

    def roles(self) -> Iterator[Finding]:
        """Report whether the person who is signed in may create resources and assign roles."""
        person = self._person()
        listed = self._list(
            "/providers/Microsoft.Authorization/roleAssignments",
            "2022-04-01",
            f"$filter=assignedTo('{person}')",
        )
        properties = [entry["properties"] for entry in listed]
        given = {
            str(p["roleDefinitionId"]).split("/")[-1]: p
            for p in properties
            if str(p.get("scope", "")).lower() in (self._root.lower(), "/")
            or "managementgroups" in str(p.get("scope", "")).lower()
        }
        assigners = [name for role, name in _ASSIGNERS.items() if role in given]
        seen = [n for r, n in ((_OWNER, "Owner"), (_CONTRIBUTOR, "Contributor")) if r in given]
        enough = _OWNER in given or (_CONTRIBUTOR in given and bool(assigners))
        limited = [
            name
            for role, name in ((_OWNER, "Owner"), *_ASSIGNERS.items())
            if given.get(role, {}).get("condition")
        ]
        text = ", ".join([*seen, *assigners]) or "no role that allows a deployment"
        action = ""
        if not enough:
            action = _ENOUGH
        elif limited and len(limited) == len([r for r in (_OWNER, *_ASSIGNERS) if r in given]):
            action = (
                f"{', '.join(limited)} has a condition: let it assign the roles of "
                "docs/reference/roles.md."
            )
        yield Finding(
            about="roles of the deployer",
            seen=f"{person} has {text} on the subscription",
            action=action,
        )

    def sizes(self, needs: Needs) -> Iterator[Finding]:
        """Report whether the region offers each size of VM, in the zones that the cluster needs."""
        for size in needs.sizes:
            offer, needed_zones = self._sizes().get(size.lower()), needs.zones.get(size, ())
            about, action = (
                f"VM size {size} in {self._location}",
                "Take another size in infra/sizes.json, or another region.",
            )
            if offer is None:
                yield Finding(about=about, seen="is not offered", action=action)
                continue
            blocked = [
                r.get("reasonCode", "restricted")
                for r in offer.get("restrictions") or []
                if r.get("type") == "Location"
            ]
            zones = _zones(offer)
            missing = [zone for zone in needed_zones if zone not in zones]
            if blocked:
                yield Finding(
                    about=about, seen=f"is restricted: {', '.join(blocked)}", action=action
                )
            elif missing:
                seen = f"is not in the zones {', '.join(missing)}"
                yield Finding(about=about, seen=seen, action=f"{action} Or change clusterZones.")
            else:
                yield Finding(about=about, seen=f"is offered, zones {', '.join(zones) or 'none'}")

    def quotas(self, needs: Needs) -> Iterator[Finding]:
        """Report whether the vCPU quotas suffice; Azure ML and VMs have separate quotas."""
        ml = self._usages("Microsoft.MachineLearningServices", "2025-06-01")
        yield from self._quota(
            "Azure ML", ml, needs.training_nodes, {}, "Azure ML: portal, Quotas, Machine Learning"
        )
        vm = self._usages("Microsoft.Compute", "2024-07-01")
        yield from self._quota(
            "AKS", vm, needs.cluster_nodes, needs.surge_nodes, "VMs: portal, Quotas, Compute"
        )

    def names(self, needs: Needs) -> Iterator[Finding]:
        """Report names that are taken or illegal; this environment's own names are allowed."""
        deleted = {
            str(v["name"]).lower()
            for v in self._list("/providers/Microsoft.KeyVault/deletedVaults", "2024-11-01")
        }
        for named in needs.names:
            yield self._name(named, deleted)

    def flex(self, needs: Needs) -> Iterator[Finding]:
        """Report whether the region has Flex Consumption, with zones where the plan needs them."""
        if not needs.is_flex:
            return
        listed = self._list(
            "/providers/Microsoft.Web/geoRegions", "2024-11-01", "sku=FlexConsumption"
        )
        regions = {
            str(r["name"]).replace(" ", "").lower(): r.get("properties") or {} for r in listed
        }
        about = f"Flex Consumption in {self._location}"
        if self._location not in regions:
            yield Finding(
                about=about,
                seen="is not offered",
                action=f"Take another region: {_FLEX_REGIONS}",
            )
        elif needs.is_zone_redundant and _ZONAL_FLEX not in str(
            regions[self._location].get("orgDomain", "")
        ):
            yield Finding(
                about=about,
                seen="is offered without zone redundancy",
                action=(
                    "Set zoneRedundant to false in infra/sizes.json, or take another region:"
                    f" {_FLEX_REGIONS} --zone-redundant true"
                ),
            )
        else:
            yield Finding(
                about=about,
                seen="is offered" + (" with zone redundancy" if needs.is_zone_redundant else ""),
            )

    def _quota(
        self, who: str, usages: dict[str, _Json], nodes: Any, surge: Any, where: str
    ) -> Iterator[Finding]:
        needed: dict[str, int] = {}
        for size, number in nodes.items():
            sku = self._sizes().get(size.lower())
            if sku is None:
                continue  # a finding of its own
            key = str(sku["family"])
            needed[key] = needed.get(key, 0) + (number + surge.get(size, 0)) * _cpus(sku)
        totals = {"cores": sum(needed.values())} if who == "AKS" and needed else {}
        for family, cpus in (*needed.items(), *totals.items()):
            about, usage = f"vCPU quota of {who}, {family}", usages.get(family.lower())
            if usage is None:
                yield Finding(
                    about=about,
                    seen=f"{cpus} are needed, no quota is listed",
                    action=f"Ask for {cpus} ({where}).",
                )
                continue
            free = (
                int(usage["limit"]) - int(usage["currentValue"])
                if int(usage["limit"]) >= 0
                else cpus
            )
            seen = f"{cpus} are needed, {max(free, 0)} of {usage['limit']} are free"
            short = cpus > free
            action = (
                f"Raise it to {int(usage['currentValue']) + cpus} or more ({where}),"
                " or take fewer nodes in infra/sizes.json."
                if short
                else ""
            )
            yield Finding(about=about, seen=seen, action=action)

    def _name(self, named: Named, deleted: set[str]) -> Finding:
        about = f"name {named.name} ({named.type})"
        path, version = _NAME_CHECKS[named.type]
        try:
            self._connection.rest("GET", named.id, api_version=version)
        except NotFoundError:
            pass
        else:
            return Finding(about=about, seen="is this environment's already")
        if named.name.lower() in deleted:
            action = (
                f"Recover it (az keyvault recover --name {named.name}),"
                f" or purge it (az keyvault purge --name {named.name})."
            )
            return Finding(
                about=about, seen="is that of a deleted vault, which keeps its name", action=action
            )
        body = {"name": named.name, "type": named.type}
        answer = (
            self._connection.rest(
                "POST", f"{self._root}/providers/{path}", api_version=version, body=body
            )
            or {}
        )
        if answer.get("nameAvailable"):
            return Finding(about=about, seen="is free")
        seen = f"{answer.get('reason') or 'is not free'}. {answer.get('message') or ''}".strip()
        return Finding(
            about=about,
            seen=seen,
            action="Choose another AZURE_ENV_NAME: all names follow from it.",
        )

    def _sizes(self) -> dict[str, _Json]:
        if self._known_sizes is None:
            query = f"$filter=location eq '{self._location}'"
            listed = self._list("/providers/Microsoft.Compute/skus", "2021-07-01", query)
            self._known_sizes = {
                s["name"].lower(): s for s in listed if s.get("resourceType") == "virtualMachines"
            }
        return self._known_sizes

    def _usages(self, provider: str, version: str) -> dict[str, _Json]:
        listed = self._list(f"/providers/{provider}/locations/{self._location}/usages", version)
        return {str(usage["name"]["value"]).lower(): usage for usage in listed}

    def _list(self, path: str, version: str, query: str = "") -> Iterable[_Json]:
        link: str | None = f"{self._root}{path}?api-version={version}" + (
            f"&{query.replace(' ', '%20')}" if query else ""
        )
        while link:
            page = self._connection.rest("GET", link, api_version=version) or {}
            yield from page.get("value") or []
            link = page.get("nextLink")

    def _person(self) -> str:
        """Return the object id of the person who is signed in; the token has it."""
        scope = f"{self._connection.settings.management_endpoint.rstrip('/')}/.default"
        with translate("sign in", "this person"):
            body = self._connection.credential.get_token(scope).token.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["oid"])


def _zones(sku: _Json) -> list[str]:
    """Return the zones in which this subscription gets a size."""
    offered = {z for info in sku.get("locationInfo") or [] for z in info.get("zones") or []}
    refused = {
        zone
        for r in sku.get("restrictions") or []
        if r.get("type") == "Zone"
        for zone in (r.get("restrictionInfo") or {}).get("zones") or []
    }
    return sorted(offered - refused)


def _cpus(sku: _Json) -> int:
    return next(int(c["value"]) for c in sku["capabilities"] if c["name"] == "vCPUs")
