"""Production on any Kubernetes cluster: a Deployment per release, one Service per model.

The Service's selector decides which version production serves: one request moves it to a version
whose replicas are all available. The former version keeps running until the next promotion, so that
a roll-back is the same single request.
"""

from typing import Any, Protocol

from function_app.adapters.azure.production.kubernetes import manifests, pod_access
from function_app.adapters.azure.production.kubernetes.cluster_api import ClusterApi, ServiceProxy
from function_app.adapters.azure.production.kubernetes.exposure import (
    CLUSTER,
    Exposure,
    ingress,
    keys_secret,
    service,
)
from function_app.adapters.azure.production.kubernetes.rollouts import (
    describe_pods,
    failure,
    is_complete,
    is_reported,
    mark_reported,
    restart,
)
from function_app.adapters.azure.production.replicas import Replicas
from function_app.adapters.scoring_service.scoring_keys import Digests, describe_keys
from function_app.domain.release.serving import Deployment, Environment, Image, Rollout, Serving
from function_app.errors import AttemptError, PlatformError

RUNTIME = "kubernetes"
ROLL_BACK = "roll-back"
PLAIN, INSIDE = Replicas(), Exposure()
RETAINED = 5  # Deployments without traffic, of which only the newest of them runs
Json = dict[str, Any]


class Keys(Protocol):
    """The store of the callers' keys."""

    def ensure(self, model: str) -> Digests:
        """Make the keys of a model once; return their digests."""

    def rotate(self, model: str) -> Digests:
        """Replace the older key and make it the first; NotFoundError when there are none."""

    def header(self, model: str) -> str:
        """Return the argument of `curl -H` with which a caller sends its key."""

    def production_secret(self, model: str) -> str:
        """Return the platform's own secret of a model's production."""


class KubernetesProduction:
    """Applies objects and polls them; the story waits."""

    def __init__(
        self,
        api: ClusterApi,
        keys: Keys,
        exposure: Exposure = INSIDE,
        replicas: Replicas = PLAIN,
    ) -> None:
        self._api, self._keys, self._exposure, self._configuration = api, keys, exposure, replicas

    def service_proxy(self, model: str) -> ServiceProxy:
        """Return a way to a model's pods that works from outside of their network."""
        return self._api.service_proxy(model)

    def caller_header(self, model: str) -> str:
        return self._keys.header(model)

    def rotate_keys(self, model: str) -> str:
        self._apply_keys(model, self._keys.rotate(model))
        return self._keys.header(model)

    def _apply_keys(self, model: str, digests: Digests) -> None:
        content = describe_keys(digests, self._keys.production_secret(model))
        self._api.apply(keys_secret(self._api.namespace, model, content))

    def champion(self, model: str) -> Image | None:
        deployment = self._champion(model)
        return None if deployment is None else _image_of(model, deployment)

    def serving(self, model: str) -> Serving | None:
        deployment = self._champion(model)
        if deployment is None:
            return None
        image, replicas = _image_of(model, deployment), _desired_replicas(deployment)
        ready = (deployment.get("status") or {}).get("availableReplicas", 0)
        detail = ""
        if ready < replicas:
            reason = failure(deployment) or ""
            detail = f"{reason} {describe_pods(self._api, model, image.version)}".strip()
        return Serving(image=image, replicas=replicas, ready=ready, detail=detail)

    def repair(self, model: str) -> None:
        # A cluster restarts pods by itself. Only a failed rollout and a Deployment that was scaled
        # down by hand need a request.
        deployment = self._champion(model)
        if deployment is None:
            return
        if failure(deployment) is not None:
            restart(self._api, deployment, _desired_replicas(deployment))
        elif deployment["spec"].get("replicas", 1) == 0:
            change = {"spec": {"replicas": _desired_replicas(deployment)}}
            self._api.merge("Deployment", deployment["metadata"]["name"], change)

    def _champion(self, model: str) -> Json | None:
        """Return the Deployment that has the traffic; PlatformError when it is gone."""
        version = self._served(self._api.get("Service", model))
        if version is None:
            return None
        name = manifests.deployment_name(model, version)
        deployment = self._api.get("Deployment", name)
        if deployment is None:
            text = f"The Service {model} names version {version}, whose Deployment {name} is gone."
            raise PlatformError("azure", "read production", f"{text} Roll back, or promote again.")
        return deployment

    def endpoint(self, model: str) -> str | None:
        service_object = self._api.get("Service", model)
        return (
            None if self._served(service_object) is None else self._address(model, service_object)
        )

    def promote(self, release_id: str, image: Image, replicas: int) -> Rollout:
        if "@sha256:" not in image.uri:
            text = f"{image.uri} names no digest. Build the image again."
            raise PlatformError("azure", "promote", text)
        deployment = self._ensure(release_id, image, replicas)
        if not is_complete(deployment):
            return self._wait(deployment, image)
        moved = self._move(release_id, image)
        if moved is not None:
            return moved
        return self._finish(image, keep_former=release_id != ROLL_BACK)

    def roll_back(self, model: str, image: Image | None) -> Rollout:
        if image is None:
            return self._serve_nothing(model)
        return self.promote(ROLL_BACK, image, self._replicas(model))

    def _ensure(self, release_id: str, image: Image, replicas: int) -> Json:
        """Make the Deployment of this image run, or find that it does."""
        namespace = self._api.namespace
        name = manifests.deployment_name(image.model, image.version)
        deployment = self._api.get("Deployment", name)
        same = deployment is not None and _image(deployment) == image.uri
        if deployment is None or not same:
            # These objects are applied before the pods, because pods do not start without their
            # mounts.
            self._apply_keys(image.model, self._keys.ensure(image.model))
            if self._configuration.uses_identity(image.model):
                self._api.apply(pod_access.service_account(namespace, self._configuration))
            desired = manifests.deployment(
                namespace, release_id, image, replicas, self._configuration
            )
            deployment = self._api.apply(desired)
        elif failure(deployment) is not None and is_reported(deployment):
            deployment = restart(self._api, deployment, replicas)
        elif deployment["spec"].get("replicas", 1) == 0:
            deployment = self._api.merge("Deployment", name, {"spec": {"replicas": replicas}})
        if self._api.get("HorizontalPodAutoscaler", name) is None:
            for companion in manifests.companions(namespace, image, replicas):
                self._api.apply(companion)
            policy = pod_access.network_policy(namespace, image.model, self._configuration)
            self._api.apply(policy)
        return deployment

    def _wait(self, deployment: Json, image: Image) -> Rollout:
        reason = failure(deployment)
        if reason is not None:
            messages = describe_pods(self._api, image.model, image.version)
            text = f"{deployment['metadata']['name']} did not get available. {reason} {messages}"
            mark_reported(self._api, deployment)
            raise AttemptError("azure", "promote", text)
        status = deployment.get("status") or {}
        available, desired = (
            status.get("availableReplicas", 0),
            deployment["spec"].get("replicas", 1),
        )
        detail = f"{available} of {desired} replicas of version {image.version} are available."
        return Rollout(done=False, detail=detail)

    def _move(self, release_id: str, image: Image) -> Rollout | None:
        """Move the traffic; None when it has come to rest at this version."""
        model, version = image.model, image.version
        service_object = self._api.get("Service", model)
        before = self._served(service_object)
        if before != version:
            notes = {manifests.RELEASE: release_id, manifests.DIGEST: image.digest}
            if before is not None:
                notes[manifests.FORMER] = before
            self._expose(model)
            namespace, exposure = self._api.namespace, self._exposure
            self._api.apply(service(namespace, model, version, exposure, notes))
            return Rollout(done=False, detail=f"Traffic moves to version {version}.")
        if not self._is_settled(model, version):
            return Rollout(done=False, detail=f"Traffic still moves to version {version}.")
        if self._address(model, service_object) is None:
            return Rollout(done=False, detail="The load balancer has no address yet.")
        return None

    def _expose(self, model: str) -> None:
        """Make the public way to a model, or remove it when the model is public no more."""
        if model in self._exposure.public:
            self._api.apply(ingress(self._api.namespace, model, self._exposure))
        elif self._api.get("Ingress", model) is not None:
            self._api.delete("Ingress", model)

    def _is_settled(self, model: str, version: str) -> bool:
        """Return whether requests reach this version's pods and no others."""
        prefix = manifests.deployment_name(model, version) + "-"
        names = []
        for part in self._api.list("EndpointSlice", {"kubernetes.io/service-name": model}):
            for entry in part.get("endpoints") or []:
                if (entry.get("conditions") or {}).get("ready", True):
                    names.append((entry.get("targetRef") or {}).get("name", ""))
        return bool(names) and all(name.startswith(prefix) for name in names)

    def _finish(self, image: Image, *, keep_former: bool) -> Rollout:
        service_object = self._api.get("Service", image.model)
        notes = (service_object or {"metadata": {}})["metadata"].get("annotations") or {}
        former = notes.get(manifests.FORMER) if keep_former else None
        self._retire(image.model, {image.version, former})
        address = self._address(image.model, service_object)
        assert address is not None
        deployment = Deployment(
            deployment_id=manifests.deployment_name(image.model, image.version),
            environment=Environment.PRODUCTION,
            endpoint=address,
            image=image,
            runtime=RUNTIME,
        )
        return Rollout(deployment=deployment)

    def _serve_nothing(self, model: str) -> Rollout:
        service_object = self._api.get("Service", model)
        if self._served(service_object) is not None:
            # The Service stays: a new one would get another address.
            namespace, exposure = self._api.namespace, self._exposure
            self._api.apply(service(namespace, model, manifests.NOTHING, exposure, {}))
        self._retire(model, set())
        return Rollout()

    def _retire(self, model: str, retained: set[str | None]) -> None:
        """Stop the other versions and delete the oldest, so that the former ones cost little."""
        others = [
            deployment
            for deployment in self._deployments(model)
            if deployment["metadata"]["labels"][manifests.VERSION] not in retained
        ]
        others.sort(key=lambda deployment: str(deployment["metadata"].get("creationTimestamp", "")))
        for deployment in others:
            name = deployment["metadata"]["name"]
            self._api.delete("HorizontalPodAutoscaler", name)
            self._api.delete("PodDisruptionBudget", name)
            if deployment["spec"].get("replicas", 1) != 0:
                self._api.merge("Deployment", name, {"spec": {"replicas": 0}})
        for deployment in others[:-RETAINED]:
            self._api.delete("Deployment", deployment["metadata"]["name"])

    def _replicas(self, model: str) -> int:
        """Return the number of replicas with which production was last promoted."""
        return max((_promoted(deployment) for deployment in self._deployments(model)), default=1)

    def _deployments(self, model: str) -> list[Json]:
        """Return the Deployments that this app made for the model.

        A foreign Deployment may have the same labels; it has another name and is left alone.
        """
        return [
            deployment
            for deployment in self._api.list("Deployment", manifests.labels(model))
            if deployment["metadata"]["name"]
            == manifests.deployment_name(
                model, deployment["metadata"]["labels"].get(manifests.VERSION)
            )
        ]

    def _served(self, service_object: Json | None) -> str | None:
        version = ((service_object or {}).get("spec", {}).get("selector") or {}).get(
            manifests.VERSION
        )
        return None if version in (None, manifests.NOTHING) else str(version)

    def _address(self, model: str, service_object: Json | None) -> str | None:
        if service_object is None:
            return None
        if model in self._exposure.public:
            return f"https://{self._exposure.host(model)}"
        if self._exposure.kind == CLUSTER:
            return f"http://{model}.{self._api.namespace}.svc.cluster.local"
        status = service_object.get("status") or {}
        given = (status.get("loadBalancer") or {}).get("ingress") or []
        host = (given[0].get("ip") or given[0].get("hostname")) if given else None
        return f"http://{host}" if host else None


def _image(deployment: Json) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _image_of(model: str, deployment: Json) -> Image:
    uri = _image(deployment)
    version = deployment["metadata"]["name"].removeprefix(manifests.deployment_name(model, ""))
    return Image(model=model, version=version, digest=uri.partition("@")[2], uri=uri)


def _desired_replicas(deployment: Json) -> int:
    """Return the desired number of replicas, also of a Deployment scaled to zero by hand."""
    return int(deployment["spec"].get("replicas", 1) or _promoted(deployment))


def _promoted(deployment: Json) -> int:
    """Return the number of promoted replicas; 1 when the annotation is garbled."""
    text = str((deployment["metadata"].get("annotations") or {}).get(manifests.REPLICAS, 1))
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else 1
