"""The plot beside a curve that is being written: drawn for every curve, and for nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from portal.curve_view import layer_figure
from rulebook.documents.market_rules import (
    HIGHEST_PRICE_MICRO_PER_MWH,
    HIGHEST_TIGHTNESS_PPM,
    Knot,
    LayerRule,
)

KNOTS = st.lists(
    st.builds(
        Knot,
        tightness_ppm=st.integers(0, 5) | st.integers(0, HIGHEST_TIGHTNESS_PPM),
        price_micro_per_mwh=st.integers(-5, 5)
        | st.integers(-HIGHEST_PRICE_MICRO_PER_MWH, HIGHEST_PRICE_MICRO_PER_MWH),
    ),
    min_size=2,
    max_size=5,
)


@given(KNOTS, KNOTS | st.just([]), st.booleans())
def test_whatever_is_typed_is_drawn_or_left_out(curve, sell_curve, is_sorted):
    if is_sorted:
        tightness = sorted({knot.tightness_ppm for knot in curve})
        prices = sorted(knot.price_micro_per_mwh for knot in curve)
        curve = [
            Knot(tightness_ppm=at, price_micro_per_mwh=price)
            for at, price in zip(tightness, prices, strict=False)
        ]
    if len(curve) > 1:
        layer = LayerRule(layer="zone", in_use=True, curve=curve, sell_curve=sell_curve)
        figure = layer_figure(layer, "GBP")
        assert figure is None or "<svg" in figure.chart.svg
        if is_sorted and not sell_curve:
            assert figure is not None
