"""`make bench`: how long a preview takes as accounts grow, and what the policy pack adds to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from commands.project import INTERRUPTED
from local.check.base_state import base_cloud
from local.cloud_process import CloudError, Record
from local.engine.child_processes import end
from local.environment import REPOSITORY, LocalFolder
from local.program_copy import copied_program
from local.progress import Report
from local.stack_files import StackFiles
from local.stacks import PLAIN, StackError, Stacks
from local.start import prepared
from local.termination import interrupt_on_termination
from model.files.loading import LANDING_ZONE_KEY, LANDING_ZONE_STACK, PRODUCT_KEY, stack_path

FOLDER = REPOSITORY / ".local" / "bench"
PRODUCT = "ledger"
SIZES = (2, 6, 12)
"""Target accounts, each with a consumer role, in both Regions of the example."""

RUNS = 3
"""Previews of each kind; they take turns, so that what slows the machine down slows both."""

PAGE = REPOSITORY / "docs" / "performance.md"
BEGIN, END = "<!-- bench -->", "<!-- end of bench -->"


@dataclass(frozen=True)
class Sample:
    """One preview: its time in seconds, and the memory of its largest process in MiB."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Measurement:
    """The previews of the example product in a landing zone with `accounts` targets, without and with the pack."""

    accounts: int
    resources: int
    bare: tuple[Sample, ...]
    judged: tuple[Sample, ...]

    @property
    def added(self) -> float:
        """Seconds that the pack adds."""
        return _seconds(self.judged) - _seconds(self.bare)

    def cells(self, first: Measurement) -> tuple[str, ...]:
        """A row of the table; `first` is the measurement that the others are a multiple of."""
        bare, judged = _seconds(self.bare), _seconds(self.judged)
        return (
            str(self.accounts),
            str(self.resources),
            f"{bare / _seconds(first.bare):.2f}",
            f"{judged / bare:.2f}",
            f"{self.added:.1f} s",
            f"{max(sample.memory for sample in self.judged):.0f} MiB",
        )


HEADINGS = (
    "targets",
    "resources",
    "time, as a multiple of the first",
    "with the pack / without",
    "pack adds",
    "largest process",
)


def grown(project: Path, accounts: int) -> None:
    """Give a copy of the program a landing zone and an example product with a number of target accounts."""
    zone_file, product_file = stack_path(project, LANDING_ZONE_STACK), stack_path(project, PRODUCT)
    zone: Any = yaml.safe_load(zone_file.read_text(encoding="utf-8"))
    product: Any = yaml.safe_load(product_file.read_text(encoding="utf-8"))
    names = [f"workloads-{number:02}" for number in range(1, accounts + 1)]
    landing_zone, stated = zone["config"][LANDING_ZONE_KEY], product["config"][PRODUCT_KEY]
    landing_zone["targets"] = {name: {"account": f"{2000 + number:012}"} for number, name in enumerate(names)}
    stated["distribution"] = [{"region": region, "accounts": names} for region in landing_zone["regions"]]
    stated["consumers"] = [{"account": name, "role": "ledger-instances", "mode": "create"} for name in names]
    stated["uploaders"] = []
    zone_file.write_text(yaml.safe_dump(zone), encoding="utf-8")
    product_file.write_text(yaml.safe_dump(product), encoding="utf-8")
    for other in (project / "stacks").glob("Pulumi.*.yaml"):
        if other not in (zone_file, product_file):
            other.unlink()


def measured(accounts: int, record: Record, report: Report) -> Measurement:
    """Preview the example product in turns without and with the pack; raises `StackError` where one fails."""
    # One place for each size: what is compiled for it serves the next run too.
    project = FOLDER / str(accounts)
    shutil.rmtree(project, ignore_errors=True)
    try:
        copied_program(project)
        grown(project, accounts)
        folder = LocalFolder(project / ".local")
        session = prepared(folder, record, report, StackFiles.read(project))
        judged = Stacks(folder, session.environment, report, project)
        bare = replace(judged, judged=False)
        samples: dict[bool, list[Sample]] = {False: [], True: []}
        resources = 0
        with report.task(f"Preview {PRODUCT} in {accounts} accounts", 2 * RUNS) as task:
            # The first one compiles the copy's modules.
            _preview(judged)
            for run in range(2 * RUNS):
                with_pack = bool(run % 2)
                sample, resources = _preview(judged if with_pack else bare)
                samples[with_pack].append(sample)
                task.update(f"{'with' if with_pack else 'without'} the pack {sample.seconds:.1f} s", run + 1)
        return Measurement(accounts, resources, tuple(samples[False]), tuple(samples[True]))
    finally:
        shutil.rmtree(project, ignore_errors=True)


def table(measurements: list[Measurement]) -> Table:
    """The measurements for a terminal."""
    made = Table(*HEADINGS)
    for each in measurements:
        made.add_row(*each.cells(measurements[0]))
    return made


def written(page: str, measurements: list[Measurement]) -> str:
    """A page with the measurements in the place of its last ones; raises ValueError where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    rows = "\n".join(_rows(measurements))
    return f"{before}{BEGIN}\n{rows}\n{END}{after}"


def _rows(measurements: list[Measurement]) -> Iterator[str]:
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{'---:|' * len(HEADINGS)}"
    for each in measurements:
        yield f"| {' | '.join(each.cells(measurements[0]))} |"


def _preview(stacks: Stacks) -> tuple[Sample, int]:
    command = stacks.preview_command(PRODUCT, *PLAIN)
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=stacks.repository,
            env=dict(stacks.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            end(process)
            raise
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise StackError(f"the preview failed:\n{text[-2000:]}")
    created = re.search(r"^\s+\+ (\d+) to create", text, re.M)
    return Sample(seconds, usage.ru_maxrss / 1024), int(created[1]) if created else 0


def _seconds(samples: tuple[Sample, ...]) -> float:
    return median(sample.seconds for sample in samples)


def main(
    write: Annotated[bool, typer.Option("--write", help="Put the table into docs/performance.md.")] = False,
) -> None:
    """Measure previews of a new product on a local cloud of its own: the table's ratios are of one run."""
    report = Report()
    interrupt_on_termination()
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with base_cloud(LocalFolder(FOLDER, tools=REPOSITORY / ".local"), report) as record:
            measurements = [measured(accounts, record, report) for accounts in SIZES]
    except (CloudError, StackError) as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        report.remark("stopped; nothing is left running")
        sys.exit(INTERRUPTED)
    report.console.print(table(measurements))
    if write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), measurements), encoding="utf-8")
        report.remark(f"wrote {PAGE}")


if __name__ == "__main__":
    typer.run(main)
