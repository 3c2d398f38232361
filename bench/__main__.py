"""`python -m bench [submit|deliver]`: run one comparison, or both in turn."""

from __future__ import annotations

import argparse
import asyncio

from bench import deliver, submit


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measured comparisons; see bench/README.md.")
    parser.add_argument("which", nargs="?", choices=["submit", "deliver"], help="one of them; both unless said")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    if given.which in (None, "submit"):
        asyncio.run(submit.run(submit.Size(), json_wanted=given.json))
    if given.which in (None, "deliver"):
        asyncio.run(deliver.run(deliver.Size(), json_wanted=given.json))


main()
