"""Runs the housing inspection as a process of its own: `python -m tests.fakes.housing_inspection --folder DIR`."""

import os

from tests.fakes.housing_inspection.application import Settings, build
from tests.fakes.serving import arguments, serve


def main() -> None:
    """Read the arguments and serve until told to stop."""
    parser = arguments(__doc__)
    parser.add_argument("--webhook-url", help="where to POST every change; the last one given is remembered")
    parser.add_argument("--token-lifetime-s", type=int, default=300, help="how long an access token works")
    given = parser.parse_args()
    settings = Settings.read(os.environ, given.token_lifetime_s)
    serve(build(given.folder, settings, given.webhook_url), given.port, "/api/v1")


main()
