"""`manage.py prove NUMBER` and `prove --consistency OLD NEW`: proofs that anyone can check."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.log.checkpoints import DOCUMENTS, find_documents, prove_consistency, prove_inclusion
from ledger.log.proof_file import ConsistencyProof, InclusionProof
from ledger.log.proofs import inclusion_steps
from portal.management.arguments import FORCE, JSON, OUT, argument, at_least
from portal.management.base import BaseCommand, Options
from portal.management.output import write_file

Proof = InclusionProof | ConsistencyProof


class Command(BaseCommand[Proof]):
    help = (
        "Prove that an invoice is in the log of the latest checkpoint, or that one checkpoint's "
        "log is the beginning of another's. docs/transparency-log.md says how to check a proof."
    )
    takes = (
        argument(
            "invoice",
            nargs="?",
            metavar="NUMBER",
            help="number such as gb12-invoice-000042, or its short code",
        ),
        argument(
            "--consistency",
            nargs=2,
            type=at_least(0),
            metavar=("OLD", "NEW"),
            help="sizes of two checkpoints",
        ),
        OUT.with_settings(help="write the proof to this file"),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> Proof:
        if bool(options.invoice) == bool(options.consistency):
            raise CommandError("name an invoice, or two checkpoints by --consistency OLD NEW")
        with transaction() as session:
            proof = _prove(session, options)
        if options.out:
            content = json.dumps(proof.as_dict(), indent=2) + "\n"
            write_file(options.out, content.encode(), force=options.force)
        return proof

    def as_json(self, outcome: Proof, options: Options) -> Any:
        return outcome.as_dict()

    def lines(self, outcome: Proof, options: Options) -> Iterator[str]:
        if options.out:
            yield f"The proof is in {options.out}."
        elif isinstance(outcome, InclusionProof):
            yield from _inclusion_lines(outcome)
        else:
            yield from _consistency_lines(outcome)


def _prove(session: Session, options: Options) -> Proof:
    if options.consistency:
        return prove_consistency(session, *options.consistency)
    found = find_documents(session, options.invoice)
    if len(found) > 1:
        numbers = ", ".join(document.leaf.key for document in found)
        raise CommandError(f"{options.invoice} is the code of several documents: {numbers}")
    key = found[0].leaf.key if found else options.invoice
    return prove_inclusion(session, DOCUMENTS, key)


def _inclusion_lines(proof: InclusionProof) -> Iterator[str]:
    leaf = proof.leaf
    yield f"{leaf.key} is leaf {proof.index:,} of the {proof.size:,} that the log has."
    yield f"digest     {leaf.digest.hex()}"
    yield f"leaf hash  {leaf.hash.hex()}"
    steps = inclusion_steps(proof.index, proof.size, leaf.hash, proof.hashes) or []
    for number, step in enumerate(steps, start=1):
        side = "left " if step.is_left else "right"
        yield f"{number:>4} {side} {step.sibling.hex()}"
    yield f"root       {proof.root.hex()}\n\n{proof.note}"


def _consistency_lines(proof: ConsistencyProof) -> Iterator[str]:
    yield (
        f"The log of {proof.old.size:,} leaves is the beginning of the one of {proof.new.size:,}."
    )
    yield f"old root   {proof.old.root.hex()}"
    for number, node_hash in enumerate(proof.hashes, start=1):
        yield f"{number:>4}       {node_hash.hex()}"
    yield f"root       {proof.new.root.hex()}\n\n{proof.old_note}\n{proof.note}"
