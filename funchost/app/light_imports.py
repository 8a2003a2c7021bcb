"""Imports of packages whose __init__ imports more than the SDKs use, for a faster start."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType


class _DeferredPackage(ModuleType):
    """A package whose __init__ runs at the first use of a name that is no module in it."""

    __spec__: ModuleSpec

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name == "__path__" or importlib.util.find_spec(f"{spec.name}.{name}") is not None:
            raise AttributeError(name)  # the import statement imports the module then
        ModuleType.__setattr__(self, "__class__", ModuleType)
        assert spec.loader is not None
        spec.loader.exec_module(self)
        return getattr(self, name)


def defer(package: str) -> None:
    """Let the import of a module in this package run no __init__, unless it ran already.

    `werkzeug` imports its web server and its test client there, which take a tenth of the start.
    """
    spec = None if package in sys.modules else importlib.util.find_spec(package)
    if spec is not None:
        module: ModuleType = importlib.util.module_from_spec(spec)
        module.__class__ = _DeferredPackage
        sys.modules[package] = module
