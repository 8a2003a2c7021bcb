"""A repository in a folder of this machine, read where it lies; nothing of it is written or run."""

from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from function_app.adapters.git.objects import Branch, Objects


class FolderRepository:
    """Reads refs and objects of a bare repository or of the one behind a working folder."""

    def __init__(self, path: str) -> None:
        self._repo = _open(Path(path))

    def tip(self, ref: str) -> str | None:
        """Return the commit that the ref names now."""
        try:
            return self._repo.refs[Ref(ref.encode())].decode()
        except KeyError:
            return None

    def commit(self, commit: str) -> Objects | None:
        """Return the object store; None when the repository has no such commit."""
        objects = self._repo.object_store
        return objects if ObjectID(commit.encode()) in objects else None

    def branch(self, ref: str, depth: int, *, files: bool) -> Branch | None:
        """Return the branch, all of it: nothing has to be brought here."""
        tip = self.tip(ref)
        if tip is None:
            return None
        return Branch(objects=self._repo.object_store, tip=tip, is_whole=True)


def _open(path: Path) -> Repo:
    """Open the repository that git would open at this address, which may leave `.git` out."""
    for candidate in (path, path.with_name(f"{path.name}.git")):
        try:
            return Repo(str(candidate))
        except NotGitRepository:
            continue
    raise NotGitRepository(f"No repository was found at {path}.")
