"""``python -m vopub``."""

from vopub.cli import main

main()
