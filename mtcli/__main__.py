"""`python -m mtcli`, and what each of several training processes runs."""

from mtcli.distributed.worker import die_with_parent

if __name__ == "__main__":
    die_with_parent()  # before the imports that take seconds: a killed launcher leaves nobody behind

    from mtcli.cli.app import main

    main()
