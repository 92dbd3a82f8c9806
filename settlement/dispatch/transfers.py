"""Which line keeps the cheaper energy away: what a transfer between two nodes does to each line.

At least cost, the prices of two nodes differ by what the lines between them are worth:

    price(to) - price(from) = sum over lines of line price x flow of 1 MW sent from one to the other

with flows by Kirchhoff's laws. The line with the largest term is the one that explains most of the
difference. (The reduced costs of the flows, multiplied by a flow that obeys the cycle rows, leave
only these terms; any such flow gives the same sum.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.dispatch.model import DispatchModel, Floats

NEGLIGIBLE_PER_MWH = 1e-9
NEGLIGIBLE_SHARE = 1e-7


@dataclass(frozen=True, eq=False)
class Transfers:
    """What sending 1 MW between two nodes does: L lines, N nodes.

    Attributes:
        flow: float[L, N], forward flow for 1 MW fed in at a node; the difference of two columns is
            a transfer from the one node to the other.
        joined: bool[N, N], whether lines lead from one node to the other at all.
    """

    flow: Floats
    joined: NDArray[np.bool_]

    def strongest_line(
        self, line_price_per_mwh: Floats, from_node: int, to_node: int
    ) -> int | None:
        """Return the line that holds back most of a transfer; None where none does.

        Args:
            line_price_per_mwh: float[L] of one interval.
            from_node, to_node: where the cheaper energy is, and where the dearer runs.
        """
        terms = line_price_per_mwh * (self.flow[:, from_node] - self.flow[:, to_node])
        if not self.joined[from_node, to_node] or terms.max(initial=0) <= NEGLIGIBLE_PER_MWH:
            return None
        return int(terms.argmax())


def transfers_of(model: DispatchModel) -> Transfers:
    """Return the transfers of a network.

    A line without reactance counts as 1 per unit: its share is free, and the sum above holds for
    every choice.
    """
    lines, nodes = len(model.line_from), model.node_count
    incidence = np.zeros((lines, nodes))
    number = np.arange(lines)
    # Added, not set: a line from a node to itself carries nothing.
    np.add.at(incidence, (number, model.line_from), 1.0)
    np.add.at(incidence, (number, model.line_to), -1.0)
    reactance = np.where(model.reactance_ppm > 0, model.reactance_ppm / 1e6, 1.0)
    weighted = incidence / reactance[:, np.newaxis]
    laplacian = incidence.T @ weighted
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    # Laplacian x inverse spreads -1/n over the n nodes of an island, and nothing beyond.
    joined = np.abs(laplacian @ inverse) > NEGLIGIBLE_SHARE
    return Transfers(weighted @ inverse, joined | np.eye(nodes, dtype=np.bool_))
