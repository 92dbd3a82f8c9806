"""Run the verifier."""

import sys

from verifier.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
