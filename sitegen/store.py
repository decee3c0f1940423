"""A folder of results that outlive a build, each under the key that made it.

An entry is one file: the SHA-256 of its content, then the content. It is
written beside its place and renamed, so a build that is killed leaves nothing
that counts as an entry; a damaged one is noticed, said and made again.
"""

import hashlib
import logging
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

log = logging.getLogger("mkdocs.sitegen")
DIGEST_BYTES = hashlib.sha256().digest_size


class Store:
    """Entries named `<kind>/<chapter>/<name>-<key>` below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.used: set[Path] = set()

    def _path(self, kind: str, name: str, key: str) -> Path:
        path = self.root / kind / f"{name}-{key}"
        self.used.add(path)
        return path

    def has(self, kind: str, name: str, key: str) -> bool:
        """Say whether the entry is there and whole."""
        return self._read(self._path(kind, name, key)) is not None

    def get(self, kind: str, name: str, key: str) -> Any:
        """Return the entry; `KeyError` if it is not there or is damaged."""
        content = self._read(self._path(kind, name, key))
        if content is None:
            raise KeyError(f"{kind}/{name} has not been made yet")
        return pickle.loads(content)

    def put(self, kind: str, name: str, key: str, value: Any) -> None:
        """Write the entry, whole or not at all."""
        path = self._path(kind, name, key)
        content = pickle.dumps(value, protocol=5)
        write_whole(path, hashlib.sha256(content).digest() + content)

    def keep(self, kind: str, name: str, key: str) -> None:
        """Keep the entry, if it is there, when the others are pruned."""
        self._path(kind, name, key)

    def prune(self) -> None:
        """Remove what nothing has asked for since this store was opened."""
        for path in self.root.glob("*/*/*"):
            if path not in self.used:
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> bytes | None:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        digest, content = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            entry = path.relative_to(self.root)
            log.info("the cached %s is damaged: it is made again", entry)
            path.unlink()
            return None
        return content


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen half-written.

    A file that has this content already is left alone: a new time stamp
    would make `mkdocs serve` build again.
    """
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
