"""Files that a command writes.

A file is there once all has been written, or not at all.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from agentpdp.cli import exits

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_file(name: str) -> Iterator[BinaryIO]:
    """A file that is there once all has been written; what was there before stays until then."""
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as special:
                yield special
            return
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise exits.InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        Path(part).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
        Path(part).replace(path)
    except OSError as error:
        Path(part).unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise exits.InputError(f"{path}: cannot be written: {error.strerror}") from None
        raise
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
