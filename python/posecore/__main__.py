"""`python -m posecore`: the same as the command `posecore`."""

from __future__ import annotations

import sys

from posecore.cli import main

if __name__ == "__main__":
    sys.exit(main())
