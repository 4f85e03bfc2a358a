"""Files that are written whole or not at all."""

import contextlib
import os
from threading import get_ident

__all__ = ["write_whole"]


def write_whole(path, content):
    """Write bytes, or text as UTF-8, by renaming a complete file, so that nobody ever sees a part of it, and a failure
    leaves what was there before. Missing folders are made. Returns the path."""
    path = os.fspath(path)
    folder, name = os.path.split(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{name}.{os.getpid()}.{get_ident()}.part")
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    try:
        with open(part, "wb") as file:
            file.write(content)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise
    return path
