"""What the main job did, in words and figures that a newcomer understands."""

from common.quantities import scaled
from portal.amounts import money_exact
from portal.main_job import Job
from settlement.runs.run import Run


def summary_text(job: Job, currency: str, interval_count: int) -> str:
    """Return the summary that the demonstration prints."""
    run = job.runs[-1]
    return "\n".join(
        [
            "",
            f"Market {run.market}, {run.first_day} to {run.last_day}: {len(run.days)} settlement "
            f"days, {interval_count:,} intervals.",
            "",
            *_energy_lines(job),
            "",
            *_money_lines(job, currency),
            "",
            *(_run_line(run) for run in job.runs),
            *_document_lines(job),
            *_payment_lines(job),
            "",
            *_proof_lines(job),
            "",
            *_change_lines(job),
            "Seconds: "
            + ", ".join(f"{name} {seconds:.1f}" for name, seconds in job.seconds.items())
            + f"; in all {sum(job.seconds.values()):.1f}.",
        ]
    )


def _energy_lines(job: Job) -> list[str]:
    generation = -job.sums.get("WH generation", 0)
    demand = job.sums.get("WH demand", 0)
    losses = job.sums.get("WH losses", 0)
    imbalance = job.sums.get("WH imbalance", 0)
    return [
        "Energy, MWh",
        f"  generated                    {scaled(generation, 6, at_least=6):>26}",
        f"  taken                        {scaled(demand, 6, at_least=6):>26}",
        f"  lost                         {scaled(losses, 6, at_least=6):>26}",
        f"  imbalance, the rest          {scaled(imbalance, 6, at_least=6):>26}",
        f"  manage.py energy {job.runs[-1].id} says what makes it up.",
    ]


def _money_lines(job: Job, currency: str) -> list[str]:
    charged = job.sums.get(f"{currency} charge", 0)
    paid = -job.sums.get(f"{currency} payment", 0)
    equalisation = -job.sums.get(f"{currency} equalisation", 0)
    balance = charged - paid - equalisation
    return [
        "Money",
        f"  charged to suppliers         {money_exact(charged, currency):>26}",
        f"  paid to owners               {money_exact(paid, currency):>26}",
        f"  into the equalisation account{money_exact(equalisation, currency):>26}",
        f"  in less out                  {money_exact(balance, currency):>26}",
    ]


def _run_line(run: Run) -> str:
    return f"Run {run.kind:<3} {run.id}  results {run.result_digest.hex()}"


def _document_lines(job: Job) -> list[str]:
    if not job.documents:
        return ["Documents: everything was billed before."]
    counts = ", ".join(f"{count} {kind}s" for kind, count in sorted(job.documents.items()))
    return [f"Documents issued: {counts}."]


def _payment_lines(job: Job) -> list[str]:
    paid, waiting = (job.payments.get(name, 0) for name in ("payments", "waiting"))
    return [f"Bank statement: {paid} payments; waiting for a decision: {waiting}."]


def _change_lines(job: Job) -> list[str]:
    """Say what there is to read first, and what to do then."""
    consulted = [f"Law change {job.change}, is in consultation: read it in the portal."]
    tutorial = "docs/tutorial.md makes one of your own in ten minutes, in the browser."
    return [*(consulted if job.change else []), tutorial, ""]


def _proof_lines(job: Job) -> list[str]:
    lines = []
    if job.replayed is not None:
        same = "the same bytes" if job.replayed.is_same else job.replayed.first_difference
        lines.append(f"Replay  {job.replayed.result_digest.hex()}: {same}.")
    if job.checkpoint is not None:
        made = job.checkpoint
        lines.append(f"Log     {made.size:,} facts, root {made.root.hex()}, signed.")
    if job.witness_key is not None:
        lines.append(
            f"Witness {job.witness_key.name} co-signed it. It runs on this machine, by the hand of "
            "who keeps the log,\n        so it proves nothing here; manage.py witness, run by "
            "somebody else elsewhere, does."
        )
    if job.key_made:
        lines.append(job.key_made)
    if job.findings:
        lines.append(f"Verify  {len(job.findings)} objects or rows do not hold:")
        lines += [f"  {finding}" for finding in job.findings]
    else:
        lines.append("Verify  the schema and every row of rules, readings, results and money hold.")
    return lines
