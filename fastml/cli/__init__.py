"""The command line: `fastml train`, `fastml predict`, `fastml info`."""

from fastml.config import show_config


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    show_config()
    return 0
