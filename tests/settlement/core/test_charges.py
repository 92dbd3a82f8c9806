from settlement.core.charges import cost_shares_micro, dynamic_charges_micro
from tests.settlement.core.reference import as_numbers


def test_cost_is_shared_by_energy_taken_and_net_export_bears_none():
    demand = as_numbers([[1, 5], [2, -4], [-3, 5]])
    shares = cost_shares_micro(as_numbers([100, 11]), demand)
    assert shares.tolist() == [[33, 6], [67, 0], [0, 5]]


def test_a_cost_that_nobody_can_share_is_left():
    shares = cost_shares_micro(as_numbers([100, 100]), as_numbers([[0, -1], [0, 0]]))
    assert shares.tolist() == [[0, 0], [0, 0]]


def test_dynamic_points_pay_and_are_paid_the_price():
    charges = dynamic_charges_micro(as_numbers([[4, 4]]), as_numbers([[2_000_000, -1_000_000]]))
    assert charges.tolist() == [[8, -4]]
