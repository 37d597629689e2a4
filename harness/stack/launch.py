"""Becomes another program after it has reported itself to the reaper: `python -I -S launch.py FD COMMAND…`.

The child reports itself, and not its parent afterwards, because the parent can be killed in between; and the
reaper cannot see the parent's end before this process, too, has let go of the pipe `FD`.
"""

import json
import os
import sys


def main() -> None:
    """Report this process's id, which exec keeps, and exec."""
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    os.write(pipe, (json.dumps({"leader": os.getpid()}) + "\n").encode())
    os.set_inheritable(pipe, False)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
