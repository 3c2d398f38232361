"""Runs the city roads agency as a process of its own: `python -m tests.fakes.city_roads --folder DIR`."""

import os

from tests.fakes.city_roads.application import build
from tests.fakes.city_roads.security import Account
from tests.fakes.serving import arguments, serve


def main() -> None:
    """Read the arguments and serve until told to stop."""
    given = arguments(__doc__).parse_args()
    serve(build(given.folder, Account.read(os.environ)), given.port, "/soap")


main()
