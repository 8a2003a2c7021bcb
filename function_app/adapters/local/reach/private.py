"""Keeps the state of the app from other users of this machine: 0600 for files, 0700 for folders."""

import os
import stat
import tarfile
from pathlib import Path

_OTHERS = 0o077


def restrict_access(state: Path) -> None:
    """Restrict the state folder, and all files that this process creates later, to this user.

    The folder of an earlier version is restricted as a whole, the folder itself last, so that the
    next start repeats it after a crash. Files of other users are left as they are.
    """
    os.umask(_OTHERS)
    state.mkdir(parents=True, exist_ok=True)
    if not stat.S_IMODE(state.stat().st_mode) & _OTHERS:
        return
    for folder, folders, files in os.walk(state):
        for name in (*folders, *files):
            _restrict(os.path.join(folder, name))
    _restrict(str(state))


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack an archive that may be hostile; other users cannot read its files."""
    archive.extractall(folder, filter=_private)


def _private(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    filtered = tarfile.data_filter(member, folder)
    if filtered.isdir() or filtered.issym():  # the umask decides their mode
        return filtered
    return filtered.replace(mode=filtered.mode & ~_OTHERS, deep=False)


def _restrict(path: str) -> None:
    status = os.lstat(path)
    shared = status.st_mode & stat.S_ISVTX  # such as /tmp: it is not this app's alone
    if stat.S_ISLNK(status.st_mode) or shared or status.st_uid != os.geteuid():
        return
    os.chmod(path, stat.S_IMODE(status.st_mode) & ~_OTHERS)
