"""A fake of Redmine's REST API: issues, uploads, journals. Written from its wiki pages `Rest_Issues`, `Rest_api` and `Rest_Users`.

Behaviours kept: no recognition of repeats; a filter it does not know is ignored and everything comes (Q18); closed issues are hidden
unless `status_id=*` is asked for; `limit` is capped at 100 without a word (Q47); times to the second in UTC; an update answers 204
also when the workflow ignored the status (Q45); an upload must be `application/octet-stream` and its token works once.
"""

from tests.fakes.redmine.server import Redmine

__all__ = ["Redmine"]
