"""Lets one thread of a process stand still, as a debugger does, while the others go on: SIGSTOP would stop all."""

import contextlib
import ctypes
import os
import pathlib
import queue
import threading

from machine import wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_ulong, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_DETACH, _SEIZE, _INTERRUPT, _WALL = 17, 0x4206, 0x4207, 0x40000000


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x}, {thread})")


def thread_of(pid, name):
    """The number of the thread of that name. A thread names itself once it runs, which may be after the start."""
    def find():
        return [int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                if (task / "comm").read_text().strip() == name]
    (found,) = wait_until(find, f"there is a thread {name}")
    return found


@contextlib.contextmanager
def stopped(thread):
    """with stopped(thread_of(pid, "rgw-worker0")): that thread stands. It may end meanwhile, with its process."""
    # Only the thread that traces may end it. One that ends with its tracee unattended would leave a zombie.
    stands, go_on = queue.Queue(), threading.Event()

    def trace():
        try:
            _ptrace(_SEIZE, thread)
            _ptrace(_INTERRUPT, thread)
            os.waitpid(thread, _WALL)
            stands.put(None)
        except OSError as error:
            stands.put(error)
            return
        while not go_on.wait(0.02):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(thread, _WALL | os.WNOHANG)[0]:
                    return  # it has been killed
        with contextlib.suppress(OSError):
            _ptrace(_DETACH, thread)

    tracer = threading.Thread(target=trace)
    tracer.start()
    try:
        if error := stands.get():
            raise error
        yield
    finally:
        go_on.set()
        tracer.join()
