"""The scope of each source of webhooks: `[webhooks.<source>]` in mlops.toml."""

from collections.abc import Mapping
from dataclasses import dataclass

from function_app.domain.event_types import CODE_PROPOSED, CODE_PUSHED, TRAINING_REQUESTED
from function_app.domain.project import ModelProject
from function_app.errors import ContractError

GITHUB, AZURE_DEVOPS, SIGNED = "github", "azure-devops", "signed"
# All that code hosts can send.
CODE_TYPES = (CODE_PUSHED, CODE_PROPOSED)
BUILD_TYPES = (TRAINING_REQUESTED, *CODE_TYPES)
OUT_OF_SCOPE = "OUT_OF_SCOPE"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSource:
    """The scope of one source; no `models` means every model.

    `kind` is "github", "azure-devops" or "signed"; without it the source's name decides, and any
    other name stands for GitHub's hooks and signed events alike.
    """

    kind: str = ""
    types: tuple[str, ...] = BUILD_TYPES
    models: tuple[str, ...] = ()


def kind_of(name: str, source: WebhookSource) -> str:
    """Return the kind of a source, "" for one that may send GitHub's hooks and signed events."""
    if source.kind:
        return source.kind
    if name in (GITHUB, AZURE_DEVOPS) or name.startswith((f"{GITHUB}-", f"{AZURE_DEVOPS}-")):
        return GITHUB if name.startswith(GITHUB) else AZURE_DEVOPS
    return ""


def allowed_types(name: str, source: WebhookSource) -> tuple[str, ...]:
    """Return the event types that a source may send; code hosts never send any but code's."""
    if kind_of(name, source) in (GITHUB, AZURE_DEVOPS):
        return tuple(kind for kind in source.types if kind in CODE_TYPES)
    return source.types


def check_type(name: str, source: WebhookSource, kind: str) -> None:
    """Raise ContractError, code OUT_OF_SCOPE, unless the source may send events of this type."""
    allowed = allowed_types(name, source)
    if kind not in allowed:
        raise ContractError(
            f"The webhook source {name} may not send {kind[:100]}, only "
            f"{', '.join(allowed) or 'nothing'}. Add the type to `types` of [webhooks.{name}] in "
            "mlops.toml when it should.",
            code=OUT_OF_SCOPE,
        )


def check_model(name: str, source: WebhookSource, model: str) -> None:
    """Raise ContractError, code OUT_OF_SCOPE, unless the source may send events of this model."""
    if source.models and model not in source.models:
        raise ContractError(
            f"The webhook source {name} may send events of {', '.join(source.models)} only, not "
            f"of {model[:60]}. Add the model to `models` of [webhooks.{name}] in mlops.toml when "
            "it should.",
            code=OUT_OF_SCOPE,
        )


def within(source: WebhookSource | None, projects: Mapping[str, ModelProject]) -> set[str]:
    """Return the names of the models that a source may cause stories of."""
    return set(source.models if source and source.models else projects) & set(projects)
