# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from local_cloud.processes import terminate, uninterrupted

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


def family(generations):
    """Start a process with a child, a grandchild …; return it and the ids, oldest first."""
    program = generations[-1]
    for own in reversed(generations[:-1]):
        program = (
            f"import os, subprocess, sys; child = subprocess.Popen([sys.executable, '-c', "
            f"{program!r}], stdout=subprocess.PIPE, text=True); "
            f"print(*[child.stdout.readline().strip() for _ in range(1)], child.pid, flush=True); "
            f"{own}"
        )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline().startswith("up")
    found = [process.pid, *(c.pid for c in psutil.Process(process.pid).children(recursive=True))]
    assert len(found) == len(generations)
    return process, found


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    "generations", [[SLEEP] * 3, [SLEEP, STUBBORN, SLEEP], [STUBBORN] * 3], ids=len
)
def test_a_whole_family_ends(generations):
    process, pids = family(generations)
    terminate(process.pid, grace=0.3)
    process.wait()
    process.stdout.close()
    assert [pid for pid in pids if is_running(pid)] == []


def test_a_process_that_is_gone_is_no_error():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    terminate(process.pid)


ORPHAN = """
import subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "start_new_session": True}
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], **quiet).pid)
"""
ADOPTER = """
import subprocess, sys
from local_cloud.processes import adopt_orphans, terminate_descendants
adopt_orphans()
print(subprocess.check_output([sys.executable, "-c", sys.argv[1]], text=True))
terminate_descendants(grace=1)
"""


def test_orphans_are_adopted_and_ended():
    """A grandchild whose parent has ended, in a session of its own, is found all the same."""
    answer = subprocess.run(
        [sys.executable, "-c", ADOPTER, ORPHAN],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert not is_running(int(answer.stdout))


WATCHER = """
import os, time
from local_cloud.processes import watch_parent
watch_parent(lambda: os._exit(0))
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_child_ends_when_its_parent_is_killed():
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WATCHER!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    pid = int(process.stdout.readline())
    watched = psutil.Process(pid)
    process.kill()
    process.wait()
    process.stdout.close()
    psutil.wait_procs([watched], timeout=30)
    assert not is_running(pid)


# In a process of its own: a signal that is not held back ends more than a test.
SIGNALLED = """
import signal, sys
from local_cloud.processes import uninterrupted
number, delivered = int(sys.argv[1]), []
signal.signal(number, lambda number, _: delivered.append(number))
try:
    with uninterrupted():
        signal.raise_signal(number)
        signal.raise_signal(number)
        print("held", delivered)
        raise OSError("busy")
except OSError as error:
    print(error, delivered)
signal.raise_signal(number)
print("later", delivered)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_must_end_is_ended_before_a_signal_is_delivered(number):
    command = [sys.executable, "-c", SIGNALLED, str(int(number))]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    once = f"[{int(number)}]"
    assert ran.stdout.splitlines() == ["held []", f"busy {once}", f"later {[int(number)] * 2}"]


def test_in_another_thread_nothing_is_held_back():
    handlers = []

    def end():
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=end)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
