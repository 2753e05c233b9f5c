"""Pages, accounts, roles and the admin through Django's test client."""
