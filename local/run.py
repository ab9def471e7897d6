"""Run a module of this repository on the local cloud: `python -m local.run <person> <module> <arguments>`."""

from __future__ import annotations

import os
import sys

from local.cloud_process import CloudError
from local.environment import REPOSITORY, LocalFolder
from local.progress import Report
from local.session import Session
from local.stack_files import StackFiles
from model.files.problems import FileError


def main() -> None:
    """Become the given module, with the credentials of somebody who works in the hub."""
    person, module, *arguments = sys.argv[1:]
    report = Report()
    try:
        session = Session.of_running_cloud(LocalFolder(), report, StackFiles.read(REPOSITORY))
    except (CloudError, FileError) as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(1)
    environment = session.environment_of(person)
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)


if __name__ == "__main__":
    main()
