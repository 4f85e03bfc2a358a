"""Where data sets are looked for, and how they are downloaded.

A data set is searched for in this order:

1. the folder that the environment variable TINYGRAD_EDU_DATA names, in the data set's own subfolder;
2. the user's cache, `~/.cache/tinygrad_edu` (or below XDG_CACHE_HOME), in the same subfolder;
3. its public source, if it has one that is stable: it is downloaded into the cache and its checksum compared. Nothing
   is downloaded where the environment variable TINYGRAD_EDU_OFFLINE is set;
4. where all that fails, something small that comes with a dependency stands in for it, and the result says so.
"""

import os
import sys
from importlib.util import find_spec

__all__ = ["cache_folder", "data_folders", "fetch", "find", "path_in", "search"]


def data_folders(subfolder):
    """Where the data set of this subfolder is looked for, in this order."""
    folders = [os.path.join(cache_folder(), subfolder)]
    given = os.environ.get("TINYGRAD_EDU_DATA")
    if given:
        folders.insert(0, os.path.join(os.path.expanduser(given), subfolder))
    return folders


def cache_folder():
    """Where this user keeps what can be downloaded again."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(caches, "tinygrad_edu")


def path_in(folder, name):
    """The path of a file in `folder`, packed by gzip or not; None if it has neither."""
    paths = os.path.join(folder, f"{name}.gz"), os.path.join(folder, name)
    return next((path for path in paths if os.path.isfile(path)), None)


def find(subfolder, names, packed=False):
    """The first of `data_folders(subfolder)` that has all these files; None if there is none.

    packed  whether a file that is packed by gzip will do
    """
    there = path_in if packed else lambda folder, name: os.path.isfile(os.path.join(folder, name))
    for folder in data_folders(subfolder):
        if all(there(folder, name) for name in names):
            return folder
    return None


def search(subfolder, names, download=None, packed=False):
    """(the folder that has all these files, how it was found), or (None, why there is none).

    download  a function that fetches the files and returns their folder; None if there is no source, or none is wanted
    packed    as of `find`

    A download that fails is a reason; a file that is there and damaged is an error, which the file's reader raises.
    """
    folder = find(subfolder, names, packed)
    if folder is not None:
        return folder, f"found in {shown(folder)}"
    folders = " or ".join([shown(folder) for folder in data_folders(subfolder)])
    files = f"the files {names[0]} ... {names[-1]} are not all" if len(names) > 1 else f"the file {names[0]} is not"
    why = f"{files} in {folders}"
    if download is None:
        return None, why
    try:
        folder = download()
    except (OSError, ValueError, ImportError) as error:
        return None, f"{why}; {error}"
    return folder, f"downloaded into {shown(folder)}"


def shown(path):
    """A path as people write it."""
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path


def fetch(url, checksum, folder, otherwise):
    """Download a file into `folder`, unless it is there already, and return its path. A bar shows the progress if the
    error output is a terminal and tqdm is installed.

    checksum   "sha256:..." or "md5:..."; a file that has another is not kept (ValueError)
    otherwise  what to do if the download fails, for the error (OSError)

    Needs pooch: pip install "tinygrad-edu[data]".
    """
    if os.environ.get("TINYGRAD_EDU_OFFLINE"):
        raise OSError("nothing is downloaded, since TINYGRAD_EDU_OFFLINE is set")
    try:
        import pooch
    except ImportError as error:
        raise ImportError('downloading needs pooch, which is not there: pip install "tinygrad-edu[data]"') from error
    bar = sys.stderr.isatty() and find_spec("tqdm") is not None
    # the timeout is in seconds without an answer; a slow download may take longer
    downloader = pooch.HTTPDownloader(timeout=10, progressbar=bar)
    try:  # pooch gives a file its name only when it is complete and its checksum right
        return pooch.retrieve(url, checksum, url.rpartition("/")[2], folder, downloader=downloader)
    except ValueError as error:
        raise ValueError(f"the download of {url} is damaged, and nothing of it was kept: {error}") from error
    except OSError as error:  # the errors of requests, which pooch uses, are among them
        raise OSError(f"could not download {url}: {reason(error)}. {otherwise}") from error


def reason(error):
    """The innermost cause of an error, in a few words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
