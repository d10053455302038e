"""`python -m evobin`."""

import sys

from evobin.cli.main import main

sys.exit(main())
