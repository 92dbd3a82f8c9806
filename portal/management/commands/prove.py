"""`manage.py prove INVOICE` and `prove --consistency OLD NEW`: proofs that anyone can check."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.log.proof_file import ConsistencyProof, InclusionProof
from ledger.log.proofs import inclusion_steps
from ledger.log.service import DOCUMENTS, find_documents, prove_consistency, prove_inclusion
from portal.management.console import print_json, refusals_as_errors


class Command(BaseCommand):
    help = (
        "Prove that an invoice is in the log of the latest checkpoint, or that one checkpoint's "
        "log is the beginning of another's. docs/transparency-log.md says how to check a proof."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "invoice", nargs="?", help="number such as gb12-invoice-000042, or its short code"
        )
        parser.add_argument(
            "--consistency",
            nargs=2,
            type=int,
            metavar=("OLD", "NEW"),
            help="sizes of two checkpoints",
        )
        parser.add_argument("--out", type=Path, metavar="FILE", help="write the proof to FILE")
        parser.add_argument("--json", action="store_true", help="print the proof as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["invoice"]) == bool(options["consistency"]):
            raise CommandError("name an invoice, or two checkpoints by --consistency OLD NEW")
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            proof = self._proof(session, options)
        if options["out"]:
            options["out"].write_text(json.dumps(proof.as_dict(), indent=2) + "\n", "utf-8")
        if options["json"]:
            print_json(proof.as_dict())
        elif options["out"]:
            self.stdout.write(f"The proof is in {options['out']}.")
        elif isinstance(proof, InclusionProof):
            self._show_inclusion(proof)
        else:
            self._show_consistency(proof)

    def _proof(
        self, session: Session, options: dict[str, Any]
    ) -> InclusionProof | ConsistencyProof:
        if options["consistency"]:
            return prove_consistency(session, *options["consistency"])
        found = find_documents(session, options["invoice"])
        if len(found) > 1:
            numbers = ", ".join(one.leaf.key for one in found)
            raise CommandError(f"{options['invoice']} is the code of several documents: {numbers}")
        key = found[0].leaf.key if found else options["invoice"]
        return prove_inclusion(session, DOCUMENTS, key)

    def _show_inclusion(self, proof: InclusionProof) -> None:
        leaf = proof.leaf
        self.stdout.write(
            f"{leaf.key} is leaf {proof.index:,} of the {proof.size:,} that the log has.\n"
            f"digest     {leaf.digest.hex()}\nleaf hash  {leaf.hash.hex()}"
        )
        steps = inclusion_steps(proof.index, proof.size, leaf.hash, proof.hashes) or []
        for number, step in enumerate(steps, start=1):
            side = "left " if step.is_left else "right"
            self.stdout.write(f"{number:>4} {side} {step.sibling.hex()}")
        self.stdout.write(f"root       {proof.root.hex()}\n\n{proof.note}")

    def _show_consistency(self, proof: ConsistencyProof) -> None:
        self.stdout.write(
            f"The log of {proof.old.size:,} leaves is the beginning of the one of "
            f"{proof.new.size:,}.\nold root   {proof.old.root.hex()}"
        )
        for number, one in enumerate(proof.hashes, start=1):
            self.stdout.write(f"{number:>4}       {one.hex()}")
        self.stdout.write(f"root       {proof.new.root.hex()}\n\n{proof.old_note}\n{proof.note}")
