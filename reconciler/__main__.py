"""`python -m reconciler` is the command `reconcile`."""

from reconciler.cli.main import main

if __name__ == "__main__":
    main()
