"""`python -m fastml`: the command line."""

import sys

from fastml.cli import main

if __name__ == "__main__":
    sys.exit(main())
