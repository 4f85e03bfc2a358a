"""Names and a text, for models that read and write characters."""

import os

from .formats import read_text
from .places import search
from .results import Names, Text
from .stand_ins import manual, unicode_words

__all__ = ["load_dinosaurs", "load_names", "load_shakespeare"]

CHECKSUMS = {
    "dinos.txt": "ad6465621cf56c08f71d4fbb40cf7eab763f9df42c54cc460d6c4d86e9c927fb",
    "names.txt": "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    "tiny_shakespeare.txt": "53493bf304b639aba6a47400da75c58ce32372b378fd2cd9d16ee987aeb12e4e",
}
"""name -> the SHA-256 of the text, as `read_text` compares it."""


def load_dinosaurs():
    """1,536 names of dinosaurs, "aachenosaurus" ... "zuul", in small letters, from the course "Sequence Models".

    Names. They have no public address: the file dinos.txt, a name on each line, is read from the subfolder text.
    Without it, the words of 8 to 16 letters in the names of Unicode's characters stand in for them. ValueError if it is
    damaged.
    """
    return load_list("dinos.txt", "the names of dinosaurs", (8, 16))


def load_names():
    """32,033 given names, "emma" ... "zzyzx", in small letters, the frequent ones first (US Social Security
    Administration; in the public domain).

    Names, as `load_dinosaurs`; the file is names.txt, and the words have 4 to 7 letters.
    """
    return load_list("names.txt", "the given names", (4, 7))


def load_list(file, title, letters):
    folder, why = search("text", [file])
    if folder is not None:
        names = read_text(os.path.join(folder, file), CHECKSUMS[file]).lower().split("\n")
        return Names(names, f"{title[0].upper()}{title[1:]}, {why}.", True)
    words = "The words of {} to {} letters in the names of Unicode's characters".format(*letters)
    return Names(unicode_words(*letters), f"{words} stand in for {title}: {why}.", False)


def load_shakespeare():
    """1,115,393 characters of Shakespeare's plays, "First Citizen: ..." ("tiny Shakespeare"; in the public domain).

    Text. The file tiny_shakespeare.txt is read from the subfolder text. Without it, the reference manual that comes
    with Python stands in for it (450,000 characters; PSF licence). ValueError if it is damaged.
    """
    folder, why = search("text", ["tiny_shakespeare.txt"])
    if folder is None:
        return Text(manual(), f"Python's reference manual stands in for Shakespeare: {why}.", False)
    path = os.path.join(folder, "tiny_shakespeare.txt")
    return Text(read_text(path, CHECKSUMS["tiny_shakespeare.txt"]), f"Shakespeare, {why}.", True)
