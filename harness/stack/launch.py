"""Becomes another program after it has reported itself to the reaper: `python -I -S launch.py FD COMMAND…`.

The child reports itself, and not its parent afterwards, because the parent can be killed in between; and the
reaper cannot see the parent's end before this process, too, has let go of the pipe `FD`.
"""

import json
import os
import signal
import sys

OF_A_TERMINAL = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def main() -> None:
    """Report this process's id, which exec keeps, and exec.

    A harness under `nohup`, or in a script's background, ignores some signals; its programs must not.
    """
    for number in OF_A_TERMINAL:
        signal.signal(number, signal.SIG_DFL)
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    os.write(pipe, (json.dumps({"leader": os.getpid()}) + "\n").encode())
    os.set_inheritable(pipe, False)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
