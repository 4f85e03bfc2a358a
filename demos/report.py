"""What every demo prints and draws: tables, figures beside those of the course, pictures, the time."""

import os
import time

from tinygrad_edu import plots


def text_of(cell):
    """A cell of a table: text as it is, integers in full, other numbers to four digits."""
    return cell if isinstance(cell, str) else f"{cell:,}" if isinstance(cell, int) else f"{cell:,.4g}"


class Report:
    """What a demo prints and draws; `done()` is its last line and gives the exit code.

        report = Report(options)
        report.data(cats)                                    # which data it is, and whether it is the course's
        report.table(["width", "accuracy"], rows)
        report.compare("test accuracy", 76.4, 76.0, "%")     # ours, the course's
        report.picture(plots.curves(...), "cat_deep_curves.png")
        return report.done()

    options  of the command line: `out`, the folder of the pictures, and `quick`
    """

    def __init__(self, options):
        self.out, self.quick = options.out, options.quick
        self.real, self.files, self.missed, self.interrupted = True, [], [], False
        self.start = time.perf_counter()

    def data(self, loaded):
        """Say where data come from. Figures that were measured with a stand-in are not held against the course's.

        loaded  what a loader of tinygrad_edu.data returns, with `source` and `real`
        """
        self.real = self.real and loaded.real
        print(f"Data: {loaded.source}\n")

    def table(self, header, rows):
        """Lines of text below each other; columns in which all are numbers are aligned to the right."""
        texts = [[text_of(cell) for cell in row] for row in rows]
        right = [bool(rows) and not any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
        widths = [max(map(len, column)) for column in zip(header, *texts)]
        for line in [header, *texts]:
            cells = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right)]
            print("  ".join(cells).rstrip())
        print()

    def compare(self, name, ours, wanted, unit="", digits=1, less=False, of="course"):
        """A figure beside the course's (or another one, `of` something else), which is to be reached: at least it, or
        with `less` at most. With --quick and with data that stand in for others ours is shown alone."""
        reached = ours <= wanted if less else ours >= wanted
        if not reached:
            self.missed.append(name)
        beside = f" ({of}: {wanted:.{digits}f}{unit and ' ' + unit})" if self.comparable else ""
        print(f"{name} {ours:.{digits}f}{unit and ' ' + unit}{beside}")

    @property
    def comparable(self):
        """Whether our figures may be held against others: measured in full, with the real data."""
        return self.real and not self.quick

    def picture(self, figure, name):
        """Save a matplotlib Figure, or anything with `save(path)`, in the folder of the pictures; returns the path."""
        path = os.path.join(self.out, name)
        if hasattr(figure, "savefig"):
            plots.save(figure, path)
        else:
            figure.save(path)
        self.files.append(path)
        return path

    def stopped(self, what):
        """Say that Ctrl-C ended something early: what was reached until then still counts, but the exit code tells."""
        self.interrupted = True
        print(f"\nStopped by Ctrl-C after {what}. What was reached so far:")

    def done(self):
        """Name the pictures and the time; 0 if every figure was reached, or need not be, 1 if not, 130 after Ctrl-C."""
        if self.files:
            print("\nWrote " + "\n      ".join(self.files))
        print(f"Time: {time.perf_counter() - self.start:.1f} s")
        if self.interrupted:
            return 130
        if self.missed and self.comparable:
            print(f"Not as good as the course: {', '.join(self.missed)}.")
            return 1
        return 0
