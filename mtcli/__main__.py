"""`python -m mtcli`."""

from mtcli.cli.app import main

if __name__ == "__main__":
    main()
