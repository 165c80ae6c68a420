"""`python -m agentpdp` is the command line."""

import sys

from agentpdp.cli import main

if __name__ == "__main__":
    sys.exit(main())
