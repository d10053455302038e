"""One process a run folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evobin.errors import EvobinError
from evobin.runs.lock import Lock

HOLD = "import sys, time; from pathlib import Path; from evobin.runs.lock import Lock; "
HOLD += "lock = Lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"


def test_a_second_claim_is_refused_and_names_the_owner(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    told = rf"{tmp_path}: is in use by process {os.getpid()} on \S+; wait for it"
    for _ in range(2):
        with pytest.raises(EvobinError, match=told):
            Lock(tmp_path / "lock")
    lock.release()
    assert list(tmp_path.iterdir()) == []
    Lock(tmp_path / "lock").release()


def test_another_process_is_refused_and_what_a_killed_one_left_is_no_claim(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        with pytest.raises(EvobinError, match=f"is in use by process {owner.pid} on"):
            Lock(path)
        owner.kill()
        owner.wait()
    assert path.exists()  # stale
    Lock(path).release()


def test_a_lock_file_that_its_owner_removed_just_now_is_not_held_on_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    first, opened = Lock(path), os.open

    def open_late(*given: object) -> int:
        monkeypatch.setattr(os, "open", opened)
        file = opened(*given)  # type: ignore[arg-type]
        first.release()  # between our opening of the file and our claim
        return file

    monkeypatch.setattr(os, "open", open_late)
    second = Lock(path)
    with pytest.raises(EvobinError, match="is in use by"):
        Lock(path)
    second.release()
