"""The housing inspection: a sample agency whose own case system speaks JSON over REST (`openapi.yaml` in its folder).

`python -m tests.fakes.housing_inspection --folder DIR` runs it. Files: `case_rules` (kinds, states, moves), `incoming`
(what a request must look like), `ledger` (the database), `api` (the machine's side), `desk` (the operator's side),
`webhooks` (news of changes), `application` (all of it put together).
"""
