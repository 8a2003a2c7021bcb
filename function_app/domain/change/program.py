"""The program that runs the commands of a model: a Python module, or words such as Rscript."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The program of a model's code: `python -m MODULE`, or `words` in the module's folder.

    The platform appends the name of a command and its options.
    """

    module: str
    words: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder, from that of the code, in which the program starts."""
        return self.module.replace(".", "/") if self.words else "."

    @property
    def start(self) -> tuple[str, ...]:
        """The words before the name of a command; `python` is the Python of the environment."""
        first, *rest = self.words or ("python", "-m", self.module)
        return ("python" if first == "python3" else first, *rest)

    @property
    def text(self) -> str:
        """The words before the name of a command, as a shell reads them."""
        return shlex.join(self.start)

    def options(self) -> list[str]:
        """Return the options by which platform_jobs runs the program."""
        words = ["--command", shlex.join(self.words)] if self.words else []
        return ["--module", self.module, *words]
