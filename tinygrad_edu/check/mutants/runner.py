"""The campaign: a baseline run, then a process for each mutant, until all are judged."""

import random
import time
from collections import defaultdict

from .engine_faults import ANY

CAUGHT, SURVIVED, IDLE, EQUIVALENT = "caught", "survived", "idle", "equivalent"
"""What becomes of a mutant.

caught      a test failed with it, or took too long, or died
survived    all tests passed with it, and it has changed gradients; or no test comes to the place at all
idle        all tests passed with it, and it changed nothing: the values that the tests use do not tell the two apart
equivalent  it survived, and somebody has explained why no test can notice it
"""


class BaselineError(Exception):
    """The tests do not pass as they are."""


class Verdict:
    """What became of one mutant.

    mutant   the dict that describes it;  status  one of the above;  tests  how many tests compute the gradient
    by       the test that failed, if any, and `how`: what it said; seconds: how long that took;  reason: if explained
    """

    def __init__(self, mutant, status, tests, by=None, how=None, seconds=0.0, reason=None):
        self.mutant, self.status, self.tests = mutant, status, tests
        self.by, self.how, self.seconds, self.reason = by, how, seconds, reason

    @property
    def key(self):
        return self.mutant["operation"], self.mutant["fault"]


class Campaign:
    """Judges mutants. `maker` makes processes, `observer` is told what happens:

    starts()                  before the tests are run without faults
    began(campaign, seconds)  after that, when tests and mutants are known
    judged(verdict)           after each mutant
    """

    def __init__(self, maker, options, explanations, observer):
        self.maker, self.options, self.explanations, self.observer = maker, options, explanations, observer
        self.verdicts, self.interrupted = [], False
        self.tests, self.mutants, self.seconds = [], [], 0.0
        self.first = defaultdict(list)  # operation -> tests that have caught faults of it, the latest first

    def run(self):
        """Everything; Ctrl-C ends it early."""
        start = time.perf_counter()
        running = []
        try:
            self.observer.starts()
            self._baseline(running)
            self.observer.began(self, time.perf_counter() - start)
            waiting = list(reversed(self.mutants))
            while waiting or running:
                while waiting and len(running) < self.options.jobs:
                    mutant = waiting.pop()
                    names = self._tests_of(mutant)
                    if names:
                        running.append((mutant, names, self._begin(mutant, names)))
                    else:
                        self._judge(self._verdict_without_tests(mutant))
                ended = [entry for entry in running if entry[2].ends()]
                for entry in ended:
                    running.remove(entry)
                    self._judge(self._verdict(*entry))
                if not ended:
                    time.sleep(0.001)
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            for *_, process in running:
                process.kill()
        self.seconds = time.perf_counter() - start
        return self

    def _baseline(self, running):
        options = self.options
        task = {
            "kind": "baseline",
            "operations": options.operations,
            "module": options.module,
            "faults": options.faults,
        }
        process = self.maker.begin(task)
        running.append((None, None, process))
        while not process.ends():
            time.sleep(0.005)
        running.clear()
        begun, found = process.lines()
        if found is None:
            where = f"the process ended with status {process.code} in {begun[-1]}" if begun else error_of(process)
            raise BaselineError(f"the tests could not be run to the end without faults: {where}")
        if found["failures"]:
            (name, text), *others = found["failures"]
            more = "".join(f"\nso does {other}" for other, _ in others[:20])
            raise BaselineError(f"{name} fails without any fault; only tests that pass can notice one:\n{text}{more}")
        self.tests = found["tests"]
        self.by_gradient = defaultdict(set)
        for number, test in enumerate(self.tests):
            for operation, operand in test["runs"]:
                self.by_gradient[operation, operand].add(number)
                self.by_gradient["engine", ANY].add(number)
        self.mutants = found["mutants"]
        if options.sample is not None and options.sample < len(self.mutants):
            chosen = random.Random(options.seed).sample(range(len(self.mutants)), options.sample)
            self.mutants = [self.mutants[number] for number in sorted(chosen)]
        if options.limit is not None:
            self.mutants = self.mutants[: options.limit]
        self.maker.prepare(found["modules"], found["sources"])

    def _tests_of(self, mutant):
        """The tests that compute the gradient: first those that have caught faults of it, then the fastest."""
        numbers = set().union(*(self.by_gradient[mutant["operation"], key] for key in mutant["keys"]))
        first = self.first[mutant["operation"]]
        ranks = {name: rank for rank, name in enumerate(reversed(first))}
        order = sorted(
            numbers, key=lambda n: (-ranks.get(self.tests[n]["id"], -1), self.tests[n]["seconds"], self.tests[n]["id"])
        )
        return [self.tests[number]["id"] for number in order]

    def _begin(self, mutant, names):
        seconds = {test["id"]: test["seconds"] for test in self.tests}
        limit = self.options.timeout
        if limit is None:
            limit = 30.0 + 10.0 * sum(seconds[name] for name in names)
        return self.maker.begin({**mutant, "tests": names, "kind": mutant["kind"]}, limit)

    def _verdict_without_tests(self, mutant):
        if any(self.by_gradient[mutant["operation"], number] for number in mutant["numbers"]):
            return Verdict(mutant, IDLE, 0)  # it needs a gradient of a shape that no test has
        return Verdict(mutant, SURVIVED, 0, how="no test computes this gradient")

    def _verdict(self, mutant, names, process):
        begun, found = process.lines()
        if found is None:
            by = begun[-1] if begun else None
            if process.late:
                how = f"took more than {process.seconds:.0f} s and was stopped"
            elif by is None:
                raise RuntimeError(f"a process for a mutant did not start: {error_of(process)}")
            else:
                how = f"the process ended with status {process.code}"
            return Verdict(mutant, CAUGHT, len(names), by, how, process.seconds)
        if found["caught_by"] is not None:
            self._note_catch(mutant["operation"], found["caught_by"])
            return Verdict(mutant, CAUGHT, len(names), found["caught_by"], found["message"], process.seconds)
        status, how = SURVIVED, None
        if not found["planted"]:
            status, how = IDLE, "it could not be planted: has a source file changed since?"
        elif not found["reached"]:
            how = "no test comes to this place in the rule"
        elif not found["fired"]:
            status = IDLE
        return Verdict(mutant, status, len(names), how=how, seconds=process.seconds)

    def _note_catch(self, operation, test):
        names = self.first[operation]
        if test in names:
            names.remove(test)
        names.insert(0, test)

    def _judge(self, verdict):
        reason = self.explanations.get(verdict.key)
        if verdict.status == SURVIVED and reason is not None:
            verdict.status, verdict.reason = EQUIVALENT, reason
        self.verdicts.append(verdict)
        self.observer.judged(verdict)

    # ---- what came out

    def with_status(self, status):
        return [verdict for verdict in self.verdicts if verdict.status == status]

    @property
    def score(self):
        """The share of the mutants caught among those that could be, in percent."""
        caught, survived = len(self.with_status(CAUGHT)), len(self.with_status(SURVIVED))
        return 100.0 * caught / (caught + survived) if caught + survived else 100.0

    @property
    def stale_explanations(self):
        """[(operation, fault, why it is out of date)] of explanations that nothing needs."""
        if self.interrupted:
            return []
        statuses = {verdict.key: verdict.status for verdict in self.verdicts}
        complete = self.options.sample is None and self.options.limit is None
        operations = {mutant["operation"] for mutant in self.mutants}
        found = []
        for key in self.explanations:
            if statuses.get(key) in (CAUGHT, IDLE):
                found.append((*key, f"it is {statuses[key]}"))
            elif key not in statuses and complete and key[0] in operations and not self.options.faults:
                found.append((*key, "there is no such fault"))
        return found


def error_of(process):
    """What a process printed that came to nothing."""
    try:
        with open(process.answer + ".error", encoding="utf-8") as file:
            return file.read().strip()[-2000:] or f"status {process.code}"
    except FileNotFoundError:
        return f"status {process.code}"
