"""Production as an Azure ML managed online endpoint: a deployment per version, traffic between.

The endpoint's traffic decides which version production serves: the deployment with most of it is
the champion. A
challenger gets a tenth before it gets all. The former deployment stays until the next promotion, so
that a roll-back is one change of the traffic.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from function_app.adapters.azure.keys import VaultKeys
from function_app.adapters.azure.platform.platform_parts import get_or_none
from function_app.adapters.azure.production.online_endpoint import online_definitions as definitions
from function_app.adapters.azure.production.online_endpoint.online_definitions import (
    DIGEST,
    FORMER,
    OWNER,
    PRODUCTION,
    URI,
    VERSION,
)
from function_app.adapters.azure.production.replicas import replicas_of
from function_app.adapters.azure.reach.connection import begin, translate
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.scoring_service.scoring_keys import describe_keys
from function_app.domain.project import ModelProject
from function_app.domain.release.serving import Deployment, Environment, Image, Rollout, Serving
from function_app.domain.text.redaction import redact
from function_app.errors import AttemptError, ConflictError, NotFoundError, PlatformError

if TYPE_CHECKING:
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint

RUNTIME = "online endpoint"
ROLL_BACK = "roll-back"
FIRST_SHARE = 10  # per cent of the traffic
_TAIL = 20
_ENDED = ("failed", "canceled")


class OnlineEndpointProduction:
    """Requests deployments and moves traffic; the story waits."""

    def __init__(
        self, workspace: Workspace, projects: Mapping[str, ModelProject], keys: VaultKeys
    ) -> None:
        self._keys = keys
        self._workspace, self._settings = workspace, workspace.connection.settings
        self._configuration = replicas_of(self._settings, projects)

    def champion(self, model: str) -> Image | None:
        champion = self._champion(model)
        return None if champion is None else champion[0]

    def _champion(self, model: str) -> "tuple[Image, ManagedOnlineDeployment] | None":
        """Return the image and the deployment that have the traffic, None when none has any.

        PlatformError when the deployment is gone, or somebody removed the tags that say its image.
        """
        served = _served(self._endpoint(model))
        if served is None:
            return None
        deployment = self._deployment(model, served)
        if deployment is None:
            text = f"All traffic of {self.endpoint_name(model)} goes to {served}, which is gone."
            raise PlatformError("azure", "read production", f"{text} Promote again.")
        tags = deployment.tags or {}
        if not (tags.get(VERSION) and tags.get(DIGEST)):
            text = f"Deployment {served} of {self.endpoint_name(model)} lacks its tags version and"
            raise PlatformError("azure", "read production", f"{text} digest now. Promote again.")
        uri = tags.get(URI, "")
        image = Image(model=model, version=tags[VERSION], digest=tags[DIGEST], uri=uri)
        return image, deployment

    def endpoint(self, model: str) -> str | None:
        endpoint = self._endpoint(model)
        return _address(endpoint) if endpoint and _served(endpoint) is not None else None

    def caller_header(self, model: str) -> str:
        resource = self._settings.aml_resource_id
        command = f"az account get-access-token --resource {resource}"
        return f"Authorization: Bearer $({command} --query accessToken --output tsv)"

    def rotate_keys(self, model: str) -> str:
        raise ConflictError(
            f"Callers of {model} send tokens of Entra, which Azure ML checks: there are no keys. "
            "Give or take the action onlineEndpoints/score/action instead."
        )

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        model, name = image.model, deployment_name(image.version)
        endpoint = self._endpoint(model)
        if endpoint is None:
            self._make_endpoint(model)
            return _under_way(f"Endpoint {self.endpoint_name(model)} is requested.")
        if (state := _state(endpoint)) != "succeeded":
            return self._not_yet(f"Endpoint {endpoint.name}", state, endpoint)
        deployment = self._deployment(model, name)
        if deployment is None or (deployment.tags or {}).get(DIGEST) != image.digest:
            if deployment is not None and not _share(endpoint, name):
                self._delete(str(endpoint.name), name)
                return _under_way(f"Deployment {name} ran another image and is deleted.")
            self._make_deployment(release_id, image, replicas)
            return _under_way(f"Deployment {name} is requested.")
        if (state := _state(deployment)) != "succeeded":
            again = partial(self._make_deployment, release_id, image, replicas)
            return self._not_yet(f"Deployment {name}", state, endpoint, name, again)
        if _share(endpoint, name) != 100:
            former = _served(endpoint)
            if (
                release_id != ROLL_BACK
                and former not in (None, name)
                and not _share(endpoint, name)
            ):
                self._split(endpoint, {str(former): 100 - FIRST_SHARE, name: FIRST_SHARE})
                return _under_way(f"{FIRST_SHARE} % of the traffic go to {name}.")
            self._split(endpoint, {name: 100})
            return _under_way(f"Traffic moves to {name}.")
        self._retire(model, {name, (endpoint.tags or {}).get(FORMER, "")})
        return Rollout(deployment=self._deployed(endpoint, image))

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        if image is not None:
            return self.promote(ROLL_BACK, image, self._replicas(model))
        endpoint = self._endpoint(model)
        if endpoint is None:
            return Rollout()
        if (state := _state(endpoint)) != "succeeded":
            return self._not_yet(f"Endpoint {endpoint.name}", state, endpoint)
        if _served(endpoint) is not None:
            self._split(endpoint, {})
            return _under_way("Traffic is taken away.")
        self._retire(model, set())
        return Rollout()

    def serving(self, model: str) -> Serving | None:
        champion = self._champion(model)
        if champion is None:
            return None
        image, deployment = champion
        replicas, state = int(deployment.instance_count or 1), _state(deployment)
        if state == "succeeded":
            return Serving(image=image, replicas=replicas, ready=replicas)
        tail = self._log_tail(self.endpoint_name(model), str(deployment.name))
        detail = redact(f"Deployment {deployment.name} is {state}. {tail}")
        return Serving(image=image, replicas=replicas, ready=0, detail=detail)

    def repair(self, model: str) -> None:
        # Azure ML replaces instances by itself: only a deployment that it gave up needs a request.
        champion = self._champion(model)
        if champion is not None and _state(champion[1]) in _ENDED:
            image, deployment = champion
            self._make_deployment(ROLL_BACK, image, int(deployment.instance_count or 1))

    def endpoint_name(self, model: str) -> str:
        """Return the endpoint of a model: 3 to 32 letters, digits and `-`, one in a region."""
        s = self._settings
        scope = f"{s.subscription_id}/{s.resource_group}/{s.workspace}/{model}"
        return f"{model[:24].rstrip('-')}-{hashlib.sha256(scope.encode()).hexdigest()[:7]}"

    def _not_yet(
        self,
        operation: str,
        state: str,
        endpoint: "ManagedOnlineEndpoint",
        name: str = "",
        again: Callable[[], None] | None = None,
    ) -> Rollout:
        """Return that the work is under way; on a failure prepare a new attempt and raise.

        Azure ML keeps a failed resource, and that failure would be the answer to every later
        attempt. A deployment that has traffic is not deleted; `again` requests it once more.
        """
        if state not in _ENDED:
            return _under_way(f"{operation} is {state}.")
        tail = self._log_tail(str(endpoint.name), name) if name else ""
        if again is None:
            self._renew_endpoint(endpoint)
        elif _share(endpoint, name):
            again()
        else:
            self._delete(str(endpoint.name), name)
        raise AttemptError("azure", "promote", redact(f"{operation} is {state}. {tail}".strip()))

    def _renew_endpoint(self, endpoint: "ManagedOnlineEndpoint") -> None:
        if _served(endpoint) is None:
            self._delete_endpoint(str(endpoint.name))
            return
        with begin("request the endpoint again", str(endpoint.name)):
            self._workspace.client.online_endpoints.begin_create_or_update(endpoint)

    def _endpoint(self, model: str) -> "ManagedOnlineEndpoint | None":
        name = self.endpoint_name(model)

        def get() -> "ManagedOnlineEndpoint":
            with translate("read the endpoint", name):
                answer: ManagedOnlineEndpoint = self._workspace.client.online_endpoints.get(name)
            return answer

        endpoint = get_or_none(get)
        if endpoint is None:
            self._workspace.confirm()
        return endpoint

    def _deployment(self, model: str, name: str) -> "ManagedOnlineDeployment | None":
        def get() -> "ManagedOnlineDeployment":
            with translate("read a deployment", name):
                answer: ManagedOnlineDeployment = self._workspace.client.online_deployments.get(
                    name, self.endpoint_name(model)
                )
            return answer

        return get_or_none(get)

    def _make_endpoint(self, model: str) -> None:
        name = self.endpoint_name(model)
        with begin("make the endpoint", name):
            self._workspace.client.online_endpoints.begin_create_or_update(
                definitions.endpoint_of(name, model, self._configuration)
            )

    def _make_deployment(self, release_id: str, image: Image, replicas: int) -> None:
        client, name = self._workspace.client, deployment_name(image.version)
        with translate("make the environment of a deployment", name):
            environment = client.environments.create_or_update(definitions.environment_of(image))
        deployment = definitions.deployment_of(
            name,
            self.endpoint_name(image.model),
            image,
            environment=f"azureml:{environment.name}:{environment.version}",
            size=self._settings.endpoint_size,
            number=replicas,
            release_id=release_id,
            replicas=self._configuration,
            keys=describe_keys(None, self._keys.production_secret(image.model)),
        )
        with begin("make a deployment", name):
            client.online_deployments.begin_create_or_update(deployment)

    def _split(self, endpoint: "ManagedOnlineEndpoint", shares: dict[str, int]) -> None:
        """Set the traffic; store the deployment that had most of it before."""
        former = _served(endpoint)
        if former not in shares:
            endpoint.tags = {**(endpoint.tags or {}), FORMER: former or ""}
        endpoint.traffic = shares
        with begin("move the traffic", str(endpoint.name)):
            self._workspace.client.online_endpoints.begin_create_or_update(endpoint)

    def _delete_endpoint(self, name: str) -> None:
        with begin("delete the endpoint", name):
            self._workspace.client.online_endpoints.begin_delete(name)

    def _retire(self, model: str, retained: set[str]) -> None:
        with translate("list the deployments", model):
            deployments = list(
                self._workspace.client.online_deployments.list(self.endpoint_name(model))
            )
        for deployment in deployments:
            ours = (deployment.tags or {}).get(OWNER) == PRODUCTION
            if ours and deployment.name not in retained and _state(deployment) != "deleting":
                self._delete(self.endpoint_name(model), deployment.name)

    def _delete(self, endpoint: str, name: str) -> None:
        try:
            with begin("delete a deployment", name):
                self._workspace.client.online_deployments.begin_delete(name, endpoint)
        except NotFoundError:
            return

    def _replicas(self, model: str) -> int:
        served = _served(self._endpoint(model))
        deployment = self._deployment(model, served) if served else None
        return int(deployment.instance_count or 1) if deployment is not None else 1

    def _log_tail(self, endpoint: str, name: str) -> str:
        try:
            with translate("read the log of a deployment", name):
                text = self._workspace.client.online_deployments.get_logs(
                    name, endpoint, lines=_TAIL
                )
        except (NotFoundError, PlatformError) as error:
            return f"Its log cannot be read ({error.code})."
        return "Its log: " + " | ".join(str(text or "").splitlines()[-_TAIL:])

    def _deployed(self, endpoint: "ManagedOnlineEndpoint", image: Image) -> Deployment:
        return Deployment(
            deployment_id=deployment_name(image.version),
            environment=Environment.PRODUCTION,
            endpoint=_address(endpoint),
            image=image,
            runtime=RUNTIME,
        )


def deployment_name(version: str) -> str:
    """Return the deployment of a version: it begins with a letter and has at least 3 of them."""
    return f"version-{version}"[:32]


def _served(endpoint: "ManagedOnlineEndpoint | None") -> str | None:
    """Return the name of the deployment with most of the traffic."""
    traffic = (endpoint.traffic or {}) if endpoint is not None else {}
    shares = sorted((-int(share), str(name)) for name, share in traffic.items() if int(share))
    return shares[0][1] if shares else None


def _share(endpoint: "ManagedOnlineEndpoint", name: str) -> int:
    return int((endpoint.traffic or {}).get(name, 0))


def _state(resource: "ManagedOnlineEndpoint | ManagedOnlineDeployment") -> str:
    state = resource.provisioning_state
    return str(getattr(state, "value", state) or "succeeded").lower()


def _address(endpoint: "ManagedOnlineEndpoint") -> str:
    """Return the base address of the endpoint, without `/score`."""
    return str(endpoint.scoring_uri or "").removesuffix("/score")


def _under_way(detail: str) -> Rollout:
    return Rollout(done=False, detail=detail)
