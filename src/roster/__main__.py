"""`python -m roster`: the same as the command `roster`."""

from roster.cli import main

main()
