"""How fair a settled period was: reward, delivery, access and cost, beside other designs."""
