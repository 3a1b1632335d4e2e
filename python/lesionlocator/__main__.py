"""``python -m lesionlocator``, which torch's launcher needs."""

from lesionlocator.cli.main import main

if __name__ == "__main__":
    main()
