"""The caller of a training: a build system and its run."""

from collections.abc import Mapping
from dataclasses import dataclass

from function_app.domain.text import identifiers as ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The run of a build system that requested a training; each field may be "".

    `run_id` is the id of a run elsewhere, such as that of a pipeline; nothing is read by it.
    """

    run_id: ids.OrEmpty[ids.Opaque] = ""
    build_id: ids.OrEmpty[ids.Opaque] = ""
    build_uri: ids.OrEmpty[ids.Address] = ""

    def tags(self) -> dict[str, str]:
        """Return the tags of a run that the caller requested; empty fields are left out."""
        values = (self.run_id, self.build_id, self.build_uri)
        return {name: value for name, value in zip(CALLER_TAGS, values, strict=True) if value}


CALLER_TAGS = ("caller_run_id", "build_id", "build_uri")


def caller_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a run that name its caller."""
    return {name: tags[name] for name in CALLER_TAGS if tags.get(name)}
