"""`python -m mtcli`, and what each of several training processes runs."""

from mtcli.system.processes import die_with_parent

if __name__ == "__main__":
    die_with_parent()  # before imports that take seconds: a killed launcher leaves none

    from mtcli.cli.app import main

    main()
