"""The tests without a database that are not fast, each with what takes its time.

What needs a database or a browser is known by its fixtures, and a property, which is tried on a
hundred examples, by Hypothesis. `make check` runs the rest, in seconds; `make test` runs all.
"""

SWEEP = "sweeps over random markets, with kernels that compile"
PROCESS = "starts processes of its own"
SLOW = {
    "charts/test_charts.py": "sets pages, and starts processes of its own",
    "charts/test_network.py": "draws grids of thousands of nodes",
    "database/test_embedded.py": "starts servers",
    "documents/test_currencies.py": "renders and validates in every currency",
    "documents/test_en16931.py": "renders and validates random documents",
    "documents/test_names.py": "sets pages",
    "documents/test_pages.py": "sets pages",
    "documents/test_pdf.py": "sets pages",
    "editing/test_forms.py": "sends every page of every document of every market",
    "editing/test_judging.py": "holds every refusal to the page of its field",
    "ledger/test_dispute_course.py": "walks random courses",
    "ledger/test_journal.py": "random journals",
    "rts_gmlc/test_law.py": "solves linear programmes",
    "rulebook/test_akoma_ntoso.py": "holds every document of every market to a schema",
    "rulebook/test_json_schema.py": "random documents against their schemas",
    "rulebook/test_time_zones.py": PROCESS,
    "rulebook/test_yaml_text.py": "random documents through YAML",
    "settlement/core/test_axioms.py": SWEEP,
    "settlement/core/test_clusters.py": SWEEP,
    "settlement/core/test_contract_day.py": SWEEP,
    "settlement/core/test_contract_lookback.py": SWEEP,
    "settlement/core/test_contracts_of_ieee_cases.py": "serves thousands of intervals",
    "settlement/core/test_day_games.py": SWEEP,
    "settlement/core/test_deliverability.py": SWEEP,
    "settlement/core/test_engine.py": SWEEP,
    "settlement/core/test_engine_properties.py": SWEEP,
    "settlement/core/test_fair_play_market.py": SWEEP,
    "settlement/core/test_fair_play_max_min.py": SWEEP,
    "settlement/core/test_games.py": SWEEP,
    "settlement/core/test_great_britain.py": SWEEP,
    "settlement/core/test_levels.py": SWEEP,
    "settlement/core/test_market_maker.py": SWEEP,
    "settlement/core/test_methods.py": SWEEP,
    "settlement/core/test_network.py": SWEEP,
    "settlement/core/test_pass_through.py": SWEEP,
    "settlement/core/test_room.py": SWEEP,
    "settlement/core/test_rts.py": SWEEP,
    "settlement/core/test_same_bytes.py": PROCESS,
    "settlement/core/test_sampled.py": SWEEP,
    "settlement/core/test_shapley.py": SWEEP,
    "settlement/core/test_thousands.py": SWEEP,
    "settlement/core/test_tightness.py": SWEEP,
    "settlement/core/test_value_table.py": SWEEP,
    "settlement/core/test_yardsticks.py": SWEEP,
    "settlement/test_dispatch_baselines.py": "solves linear programmes",
    "settlement/test_dispatch_limits.py": "solves linear programmes",
    "settlement/test_dispatch_merit_order.py": "solves linear programmes",
    "settlement/test_dispatch_prices.py": "solves linear programmes",
    "settlement/test_evidence_parts.py": PROCESS,
    "settlement/test_fair_play_real.py": "plays real data",
    "settlement/test_game_files.py": "random game files",
    "settlement/test_layers.py": SWEEP,
    "settlement/test_meters.py": "random meter files",
    "settlement/test_recompute.py": "answers games by every method, with kernels that compile",
    "settlement/test_thesis_days.py": "solves linear programmes",
    "test_command_sentences.py": PROCESS,
    "test_commands.py": PROCESS,
    "test_dependency_audit.py": PROCESS,
    "test_import_contracts.py": "reads every import of the product",
    "test_law_is_read.py": "types every expression of the engine",
}
"""Files below `tests/`."""

ALL_SLOW = ("browser", "campaign", "oracles", "portal")
"""Folders below `tests/` of which every test needs a database, a browser or much time."""

TOGETHER = ("browser", "portal")
"""Folders that one process runs, all of them, for the world that they share takes long to make."""

LONGEST = (
    "browser/test_every_page.py",
    "settlement/test_verification.py",
    "settlement/core/test_contracts_of_ieee_cases.py",
    "settlement/test_evidence.py",
    "test_readme.py",
    "test_commands.py",
    "scenarios/test_scenarios.py",
    "settlement/test_fair_play_explained.py",
    "settlement/test_made_trials.py",
    "settlement/test_fair_play.py",
    "settlement/test_replay_shares.py",
    "settlement/test_trials.py",
    "test_real_closed_loop.py",
    "test_command_sentences.py",
    "database/test_embedded.py",
    "test_main_job.py",
    "attacks/test_columns.py",
    "settlement/core/test_thousands.py",
    "settlement/core/test_same_bytes.py",
)
"""Files below `tests/` that take longest, by and large the longest first; one of a folder that one
process runs stands for all of them.

They are begun first, so that no process is left with a long one while the others have none.
"""
