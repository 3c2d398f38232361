"""`python -m bench [submit|deliver|adapter|read|subscribe|hostile]`: one comparison, or `submit` and `deliver` in turn. The rest goes to it."""

from __future__ import annotations

import argparse

from bench import deliver, submit
from bench.adapter import run as adapter
from bench.hostile import run as hostile
from bench.read import run as read
from bench.subscribe import run as subscribe

_COMPARISONS = {
    "submit": submit.main,
    "deliver": deliver.main,
    "adapter": adapter.main,
    "read": read.main,
    "subscribe": subscribe.main,
    "hostile": hostile.main,
}
_USUAL = ("submit", "deliver")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measured comparisons; see bench/README.md.")
    parser.add_argument("which", nargs="?", choices=[*_COMPARISONS], help="one of them; submit and deliver unless said")
    given, more = parser.parse_known_args()
    for name in [given.which] if given.which else _USUAL:
        _COMPARISONS[name](more)


if __name__ == "__main__":
    main()
