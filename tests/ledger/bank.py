"""Bank statements written by hand, in the forms of camt.053.001.02 and .08."""

import datetime as dt
from dataclasses import dataclass, field

IBAN = "GB50TSBX00123412345678"
PAYER = "GB41TSBX00003391422946"
DAY = dt.date(2024, 2, 20)


@dataclass
class Entry:
    """An entry; `details` are the payments in it, as XML."""

    amount: str = "120.00"
    side: str = "CRDT"
    status: str = "BOOK"
    currency: str = "GBP"
    booked: str = "<BookgDt><Dt>2024-02-20</Dt></BookgDt>"
    value: str = "<ValDt><Dt>2024-02-19</Dt></ValDt>"
    reversal: str = ""
    details: str = ""

    def xml(self, version: str) -> str:
        status = self.status if version == "02" else f"<Cd>{self.status}</Cd>"
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{self.amount}</Amt>'
            f"<CdtDbtInd>{self.side}</CdtDbtInd>{self.reversal}<Sts>{status}</Sts>{self.booked}"
            f"{self.value}<AcctSvcrRef>REF1</AcctSvcrRef>"
            f"<NtryDtls>{self.details}</NtryDtls></Ntry>"
        )


@dataclass
class File:
    """A file of one statement; change a part and the file holds it."""

    entries: list[Entry] = field(default_factory=lambda: [Entry()])
    version: str = "08"
    opening: str = "1000.00"
    closing: str = "1120.00"
    head: str = "<Id>S-1</Id><ElctrncSeqNb>1</ElctrncSeqNb>"
    iban: str = IBAN
    currency: str = "GBP"
    prologue: str = '<?xml version="1.0" encoding="UTF-8"?>'
    opens: str = "OPBD"
    prefix: str = ""

    def xml(self) -> bytes:
        body = "".join(one.xml(self.version) for one in self.entries)
        text = (
            f"{self.prologue}"
            f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{self.version}">'
            "<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>"
            f"<Stmt>{self.head}<Acct><Id><IBAN>{self.iban}</IBAN></Id>"
            f"<Ccy>{self.currency}</Ccy></Acct>"
            f"{self._balance(self.opens, self.opening)}{self._balance('CLBD', self.closing)}"
            f"{self._balance('CLAV', '999999.00')}{body}</Stmt></BkToCstmrStmt></Document>"
        )
        return text.encode()

    def _balance(self, code: str, amount: str) -> str:
        side = "DBIT" if amount.startswith("-") else "CRDT"
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
            f'<Amt Ccy="{self.currency}">{amount.removeprefix("-")}</Amt>'
            f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2024-02-20</Dt></Dt></Bal>"
        )


def payment(
    version: str = "08",
    *,
    amount: str = "",
    text: str = "",
    reference: str = "",
    name: str = "Cedar Limited",
    iban: str = PAYER,
    side: str = "Dbtr",
) -> str:
    """Return the details of one payment of an entry."""
    party = f"<Nm>{name}</Nm>" if version == "02" else f"<Pty><Nm>{name}</Nm></Pty>"
    stated = f'<Amt Ccy="GBP">{amount}</Amt>'
    if version == "02":
        stated = f"<AmtDtls><TxAmt>{stated}</TxAmt></AmtDtls>"
    structured = f"<Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd>"
    return (
        "<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f"{stated if amount else ''}<RltdPties><{side}>{party}</{side}>"
        f"<{side}Acct><Id><IBAN>{iban}</IBAN></Id></{side}Acct></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd>{structured if reference else ''}</RmtInf></TxDtls>"
    )
