"""A repository on a server, read by dulwich; fetched packs are stored in a folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from dulwich.client import GitClient
from dulwich.errors import GitProtocolError
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import ObjectID
from dulwich.pack import Pack, PackData
from dulwich.refs import Ref

from function_app.adapters.git.objects import Branch, Objects
from function_app.errors import ContractError

_LARGEST_PACK = 1_000_000_000


class ServerError(Exception):
    """A server or the connection to it failed; `advice` is the remedy."""

    def __init__(self, text: str, advice: str = "") -> None:
        self.advice = advice or "Check the address in mlops.toml and at the network."
        super().__init__(text)


class ServerRefusedError(ServerError):
    """The server answered and refused to send the requested objects."""


class ErrorLineReader:
    """Raises ServerRefusedError for a server's ERR line, which dulwich would read as an answer."""

    def __init__(self, read: Callable[[int | None], bytes]) -> None:
        self._read, self._is_line = read, False

    def __call__(self, size: int | None = None) -> bytes:
        got = self._read(size)
        if self._is_line and got.startswith(b"ERR "):
            raise ServerRefusedError(got[4:].decode(errors="replace").strip())
        self._is_line = size == 4  # the length of the line that is read next
        return got


class RemoteRepository:
    """Fetches one commit or one branch at a time, and no more of its history than needed."""

    def __init__(self, client: GitClient, path: str, folder: Path) -> None:
        self._client, self._path, self._folder = client, path.encode(), folder
        self._packs = 0

    def tip(self, ref: str) -> str | None:
        """Return the commit that the ref names now."""
        listed = self._client.get_refs(self._path, ref_prefix=[ref.encode()])
        commit = listed.refs.get(Ref(ref.encode()))
        return commit.decode() if commit else None

    def commit(self, commit: str) -> Objects | None:
        """Return the files of a commit; None when the server sends none by this name."""
        object_id = ObjectID(commit.encode())
        try:
            pack, _ = self._fetch(lambda _: [object_id], "HEAD", depth=1, files=True)
        except (ServerRefusedError, GitProtocolError):
            return None
        return pack if pack is not None and object_id in pack else None

    def branch(self, ref: str, depth: int, *, files: bool) -> Branch | None:
        """Return the newest commits of a ref; None when it is not there."""
        named, tips = Ref(ref.encode()), list[ObjectID]()

        def wants(refs: Mapping[Ref, ObjectID]) -> list[ObjectID]:
            tips.extend([refs[named]] if named in refs else [])
            return tips

        pack, is_whole = self._fetch(wants, ref, depth=depth, files=files)
        if pack is None:
            return None
        return Branch(objects=pack, tip=tips[0].decode(), is_whole=is_whole)

    def _fetch(
        self,
        wants: Callable[[Mapping[Ref, ObjectID]], list[ObjectID]],
        ref: str,
        *,
        depth: int,
        files: bool,
    ) -> tuple[Pack | None, bool]:
        self._packs += 1
        base = self._folder / f"{self._packs}"
        with base.with_suffix(".pack").open("wb") as output:
            size = 0

            def write(content: bytes) -> int:
                nonlocal size
                size += len(content)
                if size > _LARGEST_PACK:
                    raise ContractError(
                        "The commit is larger than 1 GB. Keep data out of the repository."
                    )
                return output.write(content)

            result = self._client.fetch_pack(
                self._path,
                lambda refs, depth=None: wants(refs),
                _NothingKnown(),
                write,
                depth=depth,
                ref_prefix=[ref.encode()],
                # A server that supports filters sends commits only.
                filter_spec=None if files else b"tree:0",
            )
        if not size:
            return None, True
        # The names are computed from the received bytes, so that no object can pass as another.
        with PackData(f"{base}.pack", object_format=DEFAULT_OBJECT_FORMAT) as pack:
            pack.check()
            pack.create_index(f"{base}.idx")
        return Pack(str(base), object_format=DEFAULT_OBJECT_FORMAT), not result.new_shallow


class _NothingKnown:
    """Tells the server that the client has no object of the repository."""

    def __next__(self) -> None:
        return None

    def ack(self, sha: ObjectID) -> None: ...

    def nak(self) -> None: ...
