"""What a campaign says: lines while it runs, a summary, and files for programs (JSON) and for people (HTML)."""

import html
import json
import sys
from collections import Counter

from .runner import CAUGHT, EQUIVALENT, IDLE, SURVIVED

STATUSES = (CAUGHT, SURVIVED, EQUIVALENT, IDLE)


class Progress:
    """Prints how far a campaign is: a bar if tqdm is installed and this is a terminal, else a line now and then."""

    def __init__(self, file):
        self.file, self.bar, self.done, self.total = file, None, 0, 0

    def starts(self):
        self.print("running the tests without faults, to see what they compute")

    def began(self, campaign, seconds):
        operations = {mutant["operation"] for mutant in campaign.mutants}
        self.total = len(campaign.mutants)
        self.print(
            f"{len(campaign.tests)} tests pass in {seconds:.1f} s; {self.total} faults of {len(operations)} operations"
        )
        if self.file.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            tqdm.monitor_interval = 0  # no thread beside the forks
            self.bar = tqdm(total=self.total, unit="fault", file=self.file, dynamic_ncols=True)

    def judged(self, verdict):
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        if verdict.status == SURVIVED:
            self.print(f"survived: {line_of(verdict)}")
        if self.bar is None and self.done * 10 // self.total > (self.done - 1) * 10 // self.total:
            self.print(f"{self.done} of {self.total}")

    def print(self, text):
        if self.bar is not None:
            self.bar.write(text, file=self.file)
        else:
            print(text, file=self.file, flush=True)

    def end(self):
        if self.bar is not None:
            self.bar.close()


def line_of(verdict):
    """A survivor in one line."""
    mutant = verdict.mutant
    passed = "1 test computes it and passes" if verdict.tests == 1 else f"{verdict.tests} tests compute it and pass"
    why = verdict.how or passed
    return f"{mutant['operation']} ({mutant['module']}), {mutant['fault']}: {mutant['about']}; {why}"


ADVICE = """\
tinygrad_edu.check.assert_gradients(function, *inputs) compares a gradient with numerical derivatives. A test that calls
it with the operation, for inputs of several dimensions and some that broadcast, notices faults of all kinds."""


def summary(campaign):
    """The text at the end."""
    lines = []
    count = Counter(verdict.status for verdict in campaign.verdicts)
    survivors, explained = campaign.with_status(SURVIVED), campaign.with_status(EQUIVALENT)
    if survivors:
        lines += ["", "These faults would not be noticed:"]
        lines += [f"  {line_of(verdict)}" for verdict in survivors]
        lines += [ADVICE]
    if explained:
        lines += ["", "These cannot be noticed:"]
        lines += [f"  {v.mutant['operation']}, {v.mutant['fault']}: {v.reason}" for v in explained]
    for operation, fault, why in campaign.stale_explanations:
        lines.append(f"The explanation of `{fault}` of [{operation}] is out of date: {why}.")
    late = sum(1 for verdict in campaign.with_status(CAUGHT) if "was stopped" in (verdict.how or ""))
    if campaign.interrupted:
        lines += ["", f"Stopped after {len(campaign.verdicts)} of {len(campaign.mutants)} faults."]
    parts = [f"{count[CAUGHT]} of {count[CAUGHT] + count[SURVIVED]} faults caught"]
    parts += [f"{late} of them because the tests took too long"] if late else []
    parts += [f"{count[EQUIVALENT]} explained"] if count[EQUIVALENT] else []
    parts += [f"{count[IDLE]} changed nothing that the tests compute"] if count[IDLE] else []
    # 99.97 is not 100
    score = f"{campaign.score:.1f}" if campaign.score in (0.0, 100.0) else f"{min(max(campaign.score, 0.1), 99.9):.1f}"
    lines += ["", f"score {score} %: {', '.join(parts)}; {campaign.seconds:.0f} s"]
    return "\n".join(lines)


def as_data(campaign):
    """The outcome as JSON can hold it."""
    return {
        "score": campaign.score,
        "seconds": campaign.seconds,
        "interrupted": campaign.interrupted,
        "tests": len(campaign.tests),
        "planned": len(campaign.mutants),
        "counts": {status: len(campaign.with_status(status)) for status in STATUSES},
        "stale_explanations": [list(item) for item in campaign.stale_explanations],
        "mutants": [
            {
                **{name: verdict.mutant[name] for name in ("operation", "module", "fault", "kind", "about")},
                "status": verdict.status, "tests": verdict.tests, "caught_by": verdict.by, "how": verdict.how,
                "seconds": verdict.seconds, "reason": verdict.reason,
            }
            for verdict in campaign.verdicts
        ],
    }  # fmt: skip


def write_json(campaign, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(as_data(campaign), file, indent=1)


COLOURS = {CAUGHT: "#d9efd9", SURVIVED: "#f6c7c3", EQUIVALENT: "#e4e4f4", IDLE: "#eeeeee"}


def write_html(campaign, path):
    """A page with a row for each operation: how many faults were caught, and each fault as a cell that says more."""
    rows = {}
    for verdict in campaign.verdicts:
        rows.setdefault(verdict.mutant["operation"], []).append(verdict)
    body = []
    for operation, verdicts in rows.items():
        cells = " ".join(cell(v) for v in sorted(verdicts, key=lambda v: v.status != SURVIVED))
        caught = sum(v.status == CAUGHT for v in verdicts)
        body.append(f"<tr><th>{html.escape(operation)}</th><td>{caught}/{len(verdicts)}</td><td>{cells}</td></tr>")
    legend = " ".join(f'<span style="background:{colour}">{status}</span>' for status, colour in COLOURS.items())
    page = f"""<!doctype html><meta charset="utf-8"><title>Faults in gradients</title>
<style>body{{font:14px sans-serif;margin:2em}} span{{border-radius:3px;padding:0 4px;
white-space:nowrap;line-height:1.7}}
th{{text-align:left;padding-right:1em;vertical-align:top}} td{{vertical-align:top;padding-right:1em}}</style>
<h1>Do the tests notice wrong gradients?</h1><pre>{html.escape(summary(campaign).strip())}</pre><p>{legend}</p>
<table>{"".join(body)}</table>
"""
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def cell(verdict):
    """A fault as a coloured word."""
    about = html.escape(verdict.how or verdict.reason or verdict.by or verdict.mutant["about"], quote=True)
    name = html.escape(verdict.mutant["fault"])
    return f'<span style="background:{COLOURS[verdict.status]}" title="{verdict.status}: {about}">{name}</span>'


def print_error(text):
    print(f"python -m tinygrad_edu.check mutants: {text}", file=sys.stderr)
