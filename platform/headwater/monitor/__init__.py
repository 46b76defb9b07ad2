"""Monitoring: does what the service is asked, and how it answers, still look like what it was made for?

`profile.build` makes the reference of a release, `judge.judge` compares a closed window with it,
`report.write_report` shows the verdict. docs/monitoring.md says what each test sees and what it does not.
"""
