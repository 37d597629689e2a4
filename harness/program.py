"""What this program is called, for the commands that it shows to people."""

import sys
from pathlib import Path

SHORT_NAME = "pollproof"
"""What it is called where it is installed."""
PROGRAM = SHORT_NAME if Path(sys.argv[0]).stem == SHORT_NAME else "python -m harness"
"""What was called: with uvx and pipx, `python` is a Python that does not have the harness."""
