"""``python -m vtbench``."""

from vtbench.cli.main import main

if __name__ == "__main__":
    main()
