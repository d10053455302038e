"""`python -m evobin`."""

import sys

from evobin.cli import main

sys.exit(main())
