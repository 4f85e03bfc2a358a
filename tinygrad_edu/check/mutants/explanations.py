"""The file that explains mutants which no test can notice.

    [nll_loss]
    # fault = the proof
    stale x = the loss is linear in the scores: their values play no part in its gradient

A section for each operation, a line for each fault as the report names it, and why it changes nothing. The sign between
them stands between two spaces. A proof may go on in further lines that are indented.
"""

import configparser
import os

NAME = "equivalent_mutants.ini"


def read(path):
    """{(operation, fault): reason} of a file. ValueError if it is none."""
    parser = configparser.ConfigParser(
        delimiters=(" = ",), comment_prefixes=("#",), interpolation=None, default_section="", allow_no_value=True
    )
    parser.optionxform = str
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except configparser.Error as error:
        raise ValueError(f"{path}: {error}") from error
    found = {}
    for operation in parser.sections():
        for fault, reason in parser[operation].items():
            if not reason:
                raise ValueError(
                    f"{path}: `{fault}` of [{operation}] needs a reason, after a sign of equality between spaces"
                )
            found[operation, fault] = " ".join(reason.split())
    return found


def beside(paths):
    """The file of that name in the first folder of the paths that has one; None if none has."""
    for path in paths:
        path = path.partition("::")[0]
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        candidate = os.path.join(folder, NAME)
        if os.path.isfile(candidate):
            return candidate
    return None
