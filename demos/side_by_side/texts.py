"""What a demo prints with one library, compared with what it prints with another."""

import difflib
import re

SAME = "the same"

TIME = re.compile(r"\d[\d.]* (m?s\b|times as fast)")
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")

ROUNDING = 1e-12
"""Numbers no further apart than this are equal: errors of rounding in float64, which some demos print."""


def difference(ours, theirs):
    """In words, how far the texts of a demo are from each other. Times in them, and spaces, do not count."""
    ours, theirs = [[" ".join(TIME.sub("", line).split()) for line in text.splitlines()] for text in (ours, theirs)]
    if [NUMBER.sub("#", line) for line in ours] != [NUMBER.sub("#", line) for line in theirs]:
        equal = sum(block.size for block in difflib.SequenceMatcher(None, ours, theirs, False).get_matching_blocks())
        most = max(len(ours), len(theirs))
        return f"{most - equal} of {most} lines differ"
    pairs = list(zip(numbers_in(ours), numbers_in(theirs)))
    apart = [abs(a - b) / max(abs(a), abs(b)) for a, b in pairs if abs(a - b) > ROUNDING]
    if not apart:
        return SAME
    percent = 100 * max(apart)
    return f"{len(apart)} of {len(pairs)} numbers differ, by up to {percent:{'.2g' if percent < 10 else '.0f'}} %"


def numbers_in(lines):
    return [float(number.replace(",", "")) for line in lines for number in NUMBER.findall(line)]
