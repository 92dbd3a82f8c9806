"""Bank statements part by part, as banks send them: several, paged, charged, zipped."""

import gzip
import io
import zipfile

from tests.ledger.bank import IBAN, PAYER

HERE = f"<IBAN>{IBAN}</IBAN>"
OTHER = "<IBAN>GB33BUKB20201555555555</IBAN>"


def amount(value: str, code: str = "GBP", tag: str = "Amt") -> str:
    return f'<{tag} Ccy="{code}">{value}</{tag}>'


def side(value: str) -> str:
    """Return the amount without its minus, and the side that says the same."""
    return "DBIT" if value.startswith("-") else "CRDT"


def balance(code: str, value: str, on: str, *, currency: str = "GBP", sub: str = "") -> str:
    sub = f"<SubTp><Cd>{sub}</Cd></SubTp>" if sub else ""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry>{sub}</Tp>"
        f"{amount(value.removeprefix('-'), currency)}<CdtDbtInd>{side(value)}</CdtDbtInd>"
        f"<Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def details(
    words: str = "", *, value: str = "", extra: str = "", account: str = PAYER, structured: str = ""
) -> str:
    stated = amount(value.removeprefix("-")) if value else ""
    sign = f"<CdtDbtInd>{side(value)}</CdtDbtInd>" if value else ""
    text = f"<Ustrd>{words}</Ustrd>" if words else ""
    return (
        f"<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>{stated}{sign}{extra}"
        "<RltdPties><Dbtr><Pty><Nm>Payer Ltd</Nm></Pty></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{account}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf>{text}{structured}</RmtInf></TxDtls>"
    )


def entry(
    value: str,
    inner: str = "",
    *,
    on: str = "2024-03-01",
    status: str = "BOOK",
    extra: str = "",
    after: str = "",
    reference: str = "REF1",
) -> str:
    return (
        f"<Ntry>{amount(value.removeprefix('-'))}<CdtDbtInd>{side(value)}</CdtDbtInd>"
        f"<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef>{extra}"
        f"<NtryDtls>{inner or details('x')}</NtryDtls>{after}</Ntry>"
    )


def statement(
    name: str,
    opening: str,
    closing: str,
    *entries: str,
    on: str = "2024-03-01",
    opened_on: str = "",
    number: int | None = 1,
    account: str = HERE,
    currency: str = "GBP",
    page: str = "",
    servicer: str = "",
    balances: str | None = None,
) -> str:
    if balances is None:
        balances = balance("OPBD", opening, opened_on or on, currency=currency)
        balances += balance("CLBD", closing, on, currency=currency)
    sequence = "" if number is None else f"<ElctrncSeqNb>{number}</ElctrncSeqNb>"
    return (
        f"<Stmt><Id>{name}</Id>{page}{sequence}<Acct><Id>{account}</Id><Ccy>{currency}</Ccy>"
        f"{servicer}</Acct>{balances}{''.join(entries)}</Stmt>"
    )


def page(number: int, *, last: bool) -> str:
    return f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{str(last).lower()}</LastPgInd></StmtPgntn>"


def message(*statements: str, head: str = "", version: str = "08", message_id: str = "M1") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>{message_id}</MsgId>{head}</GrpHdr>{''.join(statements)}"
        "</BkToCstmrStmt></Document>"
    ).encode()


def zipped(**files: bytes) -> bytes:
    """Return a zip; a name's double underscore is a dot, as no argument may have one."""
    return zip_of({name.replace("__", "."): content for name, content in files.items()})


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content)
