import sys

from tokstudio.cli import main

sys.exit(main())
