from __future__ import annotations

import os
from pathlib import Path

from local.credentials import Credentials
from local.environment import AccessKey, LocalFolder, stack_environment

KEY = AccessKey("AKIALOCAL", "secret")


def test_nothing_of_the_owners_own_aws_access_reaches_the_local_cloud(tmp_path: Path) -> None:
    own = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "token",
        "AWS_ACCESS_KEY_ID": "AKIAOWN",
        "AWS_CONFIG_FILE": "/home/somebody/.aws/config",
        "AWS_REGION": "ap-south-1",
        "PATH": "/bin",
    }
    made = stack_environment(LocalFolder(tmp_path), own, "http://127.0.0.1:4566", KEY)
    assert made["AWS_ACCESS_KEY_ID"] == "AKIALOCAL"
    assert made["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert made["AWS_CONFIG_FILE"] == os.devnull
    assert "production" not in made.values()
    assert "token" not in made.values()


def test_our_programs_come_first_on_path_and_the_rest_stays(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    path = stack_environment(folder, {"PATH": "/a:/b"}, "http://127.0.0.1:1", KEY)["PATH"].split(os.pathsep)
    assert path[0] == str(folder.programs)
    assert path[-2:] == ["/a", "/b"]


def test_the_loopback_address_is_never_reached_through_a_proxy(tmp_path: Path) -> None:
    base = {"NO_PROXY": "internal.example.com", "HTTP_PROXY": "http://proxy.example.com"}
    made = stack_environment(LocalFolder(tmp_path), base, "http://127.0.0.1:1", KEY)
    assert made["NO_PROXY"].split(",") == ["internal.example.com", "127.0.0.1"]


def test_everything_made_lies_in_the_one_folder(tmp_path: Path) -> None:
    made = stack_environment(LocalFolder(tmp_path), {}, "http://127.0.0.1:1", KEY)
    for name in ("PULUMI_HOME", "PYTHONPYCACHEPREFIX"):
        assert Path(made[name]).is_relative_to(tmp_path)
    assert made["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"


def test_python_keeps_what_it_compiles(tmp_path: Path) -> None:
    base = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    made = stack_environment(LocalFolder(tmp_path), base, "http://127.0.0.1:1", KEY)
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["PYTHONUNBUFFERED"] == "1"


def test_access_keys_are_read_back_for_the_same_run_of_the_cloud_only(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    Credentials("run-1", {"platform-engineer@111111111111": KEY}).write(file)
    assert Credentials.read(file, "run-1").keys == {"platform-engineer@111111111111": KEY}
    assert Credentials.read(file, "run-2").keys == {}
    assert file.stat().st_mode & 0o077 == 0
