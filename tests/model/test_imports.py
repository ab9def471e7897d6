"""The seams between the parts: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent


def imported_modules(folder: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in (PROJECT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found |= {(str(path.relative_to(PROJECT)), name.split(".")[0]) for name in names}
    return found


def test_the_model_imports_neither_pulumi_nor_boto3() -> None:
    program = (
        "import importlib, pathlib, sys\n"
        "for path in pathlib.Path('model').rglob('*.py'):\n"
        "    importlib.import_module('.'.join(path.with_suffix('').parts).removesuffix('.__init__'))\n"
        "print(sorted({'pulumi', 'pulumi_aws', 'boto3', 'botocore'} & {name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize("folder", ["model", "components", "runtime", "policies", "commands"])
def test_nothing_outside_local_and_tests_imports_local(folder: str) -> None:
    assert [path for path, module in imported_modules(folder) if module in {"local", "tests"}] == []


def test_a_component_never_reads_configuration() -> None:
    for path in (PROJECT / "components").glob("*.py"):
        assert "pulumi.Config" not in path.read_text(encoding="utf-8"), path


def test_the_functions_import_what_lambda_or_their_layer_has() -> None:
    modules = {module for _, module in imported_modules("runtime")}
    of_the_lambda_runtime = {"boto3", "botocore"}
    of_the_layer = {"aws_lambda_powertools", "detect_secrets"}
    services = ("autoscaling", "ec2", "imagebuilder", "s3", "sns", "ssm")
    for_type_checkers_only = {f"types_boto3_{service}" for service in services}
    ours = {"model", "runtime"}
    known = ours | of_the_lambda_runtime | of_the_layer | for_type_checkers_only | set(sys.stdlib_module_names)
    assert modules <= known
