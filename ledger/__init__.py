"""The money: accounts, journals that balance in every commodity, and invoices, all sealed.

Pure modules (rules, journal, chain, tree, invoice) know no database; `store` reads and writes;
`posting`, `issuing` and `sealing` append under one advisory lock, so numbers are gapless and
nothing is half-posted; `queries` and `invoice_queries` answer; `verification` proves.
"""

# Before any zone is read: by which data its days are days.
import common.time_zones as _pinned_time_zones  # noqa: F401
