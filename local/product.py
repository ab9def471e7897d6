"""`make product`: write a new product's file and preview it on the local cloud."""

from __future__ import annotations

import subprocess
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local.cloud_process import CloudError, CloudProcess
from local.environment import REPOSITORY, LocalFolder, port
from local.progress import Report
from local.stack_files import StackFiles
from local.stacks import StackError
from local.start import start
from model.files.problems import FileError


def main() -> None:
    """Let `commands.product` ask and write; what it wrote is previewed. Arguments are that command's."""
    report = Report()
    cloud = CloudProcess(LocalFolder().cloud, port())
    ran_before = cloud.running() is not None
    try:
        before = set(StackFiles.read(REPOSITORY).products)
        # The preview of that command is for real accounts: it would write to the new file, and to a shared state.
        command = [sys.executable, "-m", "commands.product", "--no-preview", *sys.argv[1:]]
        written = subprocess.run(command, cwd=REPOSITORY)
        if written.returncode:
            sys.exit(written.returncode)
        code = 0
        for product in sorted(set(StackFiles.read(REPOSITORY).products) - before):
            code = code or start(LocalFolder(), cloud, report).stacks.preview(product)
        sys.exit(code)
    except (CloudError, FileError, StackError, ClientError, BotoCoreError) as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if not ran_before:
            cloud.stop()


if __name__ == "__main__":
    main()
