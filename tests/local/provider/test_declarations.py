"""Declarations of the SDK: read once, however many ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.provider import declarations

ASKING = 4


def test_threads_that_ask_at_once_read_the_sdk_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reading: list[int] = []
    others = threading.Barrier(2)

    def of_sdk(*_tables: Any) -> dict[str, Any]:
        reading.append(threading.get_ident())
        with pytest.raises(threading.BrokenBarrierError):
            others.wait(0.5)
        return {"aws:kms/key:Key": {"inputs": {"policy": "str"}, "outputs": {}, "required": []}}

    monkeypatch.setattr(declarations, "FOLDER", tmp_path)
    monkeypatch.setattr(declarations, "of_sdk", of_sdk)
    declarations._read.cache_clear()  # pyright: ignore[reportPrivateUsage] - what this process has read before
    try:
        with ThreadPoolExecutor(ASKING) as threads:
            found = list(threads.map(lambda _: declarations.declarations(), range(ASKING)))
    finally:
        declarations._read.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert len(reading) == 1
    assert all(one is found[0] for one in found)
    assert found[0]["aws:kms/key:Key"].inputs == {"policy": "str"}
