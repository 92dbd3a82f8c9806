"""The money: accounts, journals that balance in every commodity, and invoices, all sealed.

Pure modules (refusals, journal, chain, tree, invoice) know no database; store reads and writes;
service is what other packages call.
"""
