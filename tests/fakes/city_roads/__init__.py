"""The city roads agency: a sample agency whose own case system speaks SOAP 1.1 (`config/agencies/city-roads/cases.wsdl`).

`python -m tests.fakes.city_roads --folder DIR` runs it. Files: `case_rules` (kinds, area, states, moves), `contract`
(the WSDL and XSD it keeps to), `envelope` (SOAP in and out), `security` (the UsernameToken), `ledger` (the database),
`operations` (what each operation does), `service` (the machine's side), `desk` (the operator's side), `application`
(all of it put together).
"""
