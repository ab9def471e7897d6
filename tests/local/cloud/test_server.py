"""The local cloud as a program."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_port_in_use_is_told_in_one_line_and_by_exit_code_2(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        folder = tmp_path / "cloud"
        command = [sys.executable, "-m", "local.cloud.server", "--port", port, "--directory", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == f"port {port} is in use by another program; choose another with --port\n"
    assert ended.stdout == ""
    assert not folder.exists()
