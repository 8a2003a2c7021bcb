"""The saved model: skops, which builds only types that its reader trusts.

Loading a pickle runs any code of its author. A skops file is a zip of arrays and a schema.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from . import without_unused

with without_unused():
    import skops.io

MODEL = "model.skops"
LIBRARIES = ("sklearn", "numpy", "scipy")
# A zip entry of a fixed age, so that the same model is the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class UntrustedModelError(ValueError):
    """The file holds types of no library that this project uses."""


def save(model: Any, folder: Path) -> None:
    """Write the model."""
    (folder / MODEL).write_bytes(_canonical(skops.io.dumps(model)))


def load(folder: Path) -> Any:
    """Return the model in `folder`; UntrustedModelError when it holds types of other libraries."""
    content = (folder / MODEL).read_bytes()
    trusted = skops.io.get_untrusted_types(data=content)
    if unknown := sorted(name for name in trusted if name.partition(".")[0] not in LIBRARIES):
        raise UntrustedModelError(f"{folder / MODEL} holds untrusted types: {', '.join(unknown)}.")
    return skops.io.loads(content, trusted=trusted)


def _canonical(content: bytes) -> bytes:
    # skops names arrays by memory address and stamps entries with the time: rename in order.
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        entries = {name: given.read(name) for name in given.namelist()}
        schema = entries.pop("schema.json").decode()
    tree = _renumber(json.loads(schema), {})
    names: dict[str, str] = {}
    for name in sorted(entries, key=schema.index):
        _, dot, ending = name.partition(".")
        names[name] = f"{len(names)}{dot}{ending}"
    text = json.dumps(tree, sort_keys=True)
    for name, fresh in names.items():
        text = text.replace(json.dumps(name), json.dumps(fresh))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as written:
        for name in names:
            written.writestr(zipfile.ZipInfo(names[name], _EPOCH), entries[name])
        written.writestr(zipfile.ZipInfo("schema.json", _EPOCH), text)
    return out.getvalue()


def _renumber(node: Any, ids: dict[int, int]) -> Any:
    if isinstance(node, list):
        return [_renumber(item, ids) for item in node]
    if not isinstance(node, dict):
        return node
    fresh = {key: _renumber(item, ids) for key, item in node.items()}
    if isinstance(node.get("__id__"), int):
        fresh["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
    return fresh
