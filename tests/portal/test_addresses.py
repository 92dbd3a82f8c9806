"""Where documents say that the portal is."""

import pytest

from portal.addresses import portal_address


@pytest.mark.parametrize(
    ("hosts", "https", "address"),
    [
        (["127.0.0.1", "localhost", "[::1]"], False, ""),
        (["127.0.0.1", "portal.grid.org"], True, "https://portal.grid.org"),
        (["portal.grid.org", "other.grid.org"], False, "http://portal.grid.org"),
        (["*", ".grid.org", ""], True, ""),
    ],
)
def test_the_first_host_that_leads_to_the_portal_is_its_address(settings, hosts, https, address):
    settings.ALLOWED_HOSTS, settings.HTTPS = hosts, https
    assert portal_address() == address
