"""Decides which types a skops file may hold, so that loading it runs no code of its author.

The platform decides: types that skops itself trusts, the classes of scikit-learn, NumPy and SciPy,
and types that mlops.toml names. A list in the model folder has no effect.
"""

import importlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from platform_jobs.errors import ContractError

MODEL, TRUSTED_TYPES = "model.skops", "trusted_types.json"
LIBRARIES = ("sklearn", "numpy", "scipy")


def needed_types(model: Path, added: Collection[str]) -> list[str] | None:
    """Return the types that the service must trust to load a model folder, beyond those of skops.

    None when the folder has no skops file. ContractError names each type that is not trusted here,
    or says that this Python has no skops to look into the file; no type of the file is loaded.
    """
    path = model / MODEL
    if not path.is_file():
        return None
    try:
        import skops.io
    except ImportError:
        raise ContractError(
            f"{MODEL} cannot be judged: this Python has no skops to list its types. Add skops to "
            "the packages of the evaluation (training/requirements.txt) and train again."
        ) from None
    try:
        untrusted = skops.io.get_untrusted_types(data=path.read_bytes())
    # The file is not trusted, and skops may raise any error of its parts.
    except Exception as error:
        text = f"{MODEL} cannot be read: {type(error).__name__}: {error}"[:300]
        raise ContractError(f"{text}. Write it by skops.io.dump.") from error
    foreign = sorted(name for name in untrusted if name not in added and not is_library_class(name))
    if foreign:
        raise ContractError(
            f"{MODEL} holds types that are not trusted: {', '.join(foreign)[:500]}. Use types of "
            "scikit-learn and NumPy, or add those that you have read to `[models.<name>.model] "
            "trusted_types` in mlops.toml."
        )
    return sorted(untrusted)


def is_library_class(name: str) -> bool:
    """Return whether a name is that of a class which one of the libraries itself defines.

    A function counts as foreign, and so does a class that a library's module only imports.
    """
    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] not in LIBRARIES:
        return False
    try:
        value: Any = getattr(importlib.import_module(module), attribute, None)
    except Exception:
        return False
    return isinstance(value, type) and value.__module__.partition(".")[0] in LIBRARIES
