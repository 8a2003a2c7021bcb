"""Imports of packages whose __init__ imports more than the host uses, for a faster start."""

from __future__ import annotations
import __future__ as future

import importlib.util
import re
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

_VERSION = re.compile(r'^__version__ = "([^"\\]+)"$', re.MULTILINE)
# One lock for all packages, because an __init__ may use another deferred package.
_LOADING = threading.RLock()


class _DeferredPackage(ModuleType):
    """A package whose __init__ runs at the first use of a name that no import has set."""

    __spec__: ModuleSpec

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        module = f"{spec.name}.{name}"
        if module in sys.modules:
            return sys.modules[module]  # it is being imported, in a circle of imports
        asked_by = sys._getframe(1).f_globals.get("__name__")
        if asked_by == "importlib._bootstrap" and importlib.util.find_spec(module) is not None:
            raise AttributeError(name)  # `from package import module` imports the module then
        if name == "__version__" and (version := _version(spec)):
            return version
        # Another thread waits here until the __init__ has ended, so that it finds every name.
        with _LOADING:
            if type(self) is _DeferredPackage:
                self._load()
            elif type(self) is _LoadingPackage:  # its own __init__ asks for this name
                raise AttributeError(f"module {spec.name!r} has no attribute {name!r}")
        return getattr(self, name)

    def _load(self) -> None:
        assert self.__spec__.loader is not None
        ModuleType.__setattr__(self, "__class__", _LoadingPackage)
        try:
            self.__spec__.loader.exec_module(self)
        except BaseException:
            ModuleType.__setattr__(self, "__class__", _DeferredPackage)
            raise
        ModuleType.__setattr__(self, "__class__", ModuleType)


class _LoadingPackage(_DeferredPackage):
    """A package whose __init__ runs at the moment."""


def _version(spec: ModuleSpec) -> str | None:
    """Return the version that an __init__ sets, None when its text does not contain it."""
    source = getattr(spec.loader, "get_source", lambda name: None)(spec.name)
    match = _VERSION.search(source or "")
    return match[1] if match else None


def defer(package: str) -> None:
    """Let the import of a module in this package run no __init__, unless it ran already.

    `werkzeug` imports its web server and its test client there, which take a tenth of the start.
    `aiohttp` imports its client, which reads all certificates of the system: a sixth of the start.
    """
    spec = None if package in sys.modules else importlib.util.find_spec(package)
    if spec is not None:
        module: ModuleType = importlib.util.module_from_spec(spec)
        module.__class__ = _DeferredPackage
        sys.modules[package] = module


class _PostponingLoader(SourceFileLoader):
    """Compiles a module as if it began with `from __future__ import annotations`."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        flags = future.annotations.compiler_flag
        code: CodeType = compile(self.get_data(path), path, "exec", flags, dont_inherit=True)
        return code


class _PostponingFinder:
    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _PostponingLoader(fullname, spec.loader.path)
        return spec


def postpone_annotations(module: str) -> None:
    """Let the first import of this module not evaluate its annotations.

    An annotation of `azure.durable_functions` names the session of aiohttp's client. Its evaluation
    would import the client in a host whose functions may never use it.
    """
    if module not in sys.modules:
        sys.meta_path.insert(0, _PostponingFinder(module))
