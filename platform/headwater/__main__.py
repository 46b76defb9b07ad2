"""`python -m headwater` is the command line where its script is not on the path."""

from headwater.cli.app import main

main()
