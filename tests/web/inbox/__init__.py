"""The inbox of requests for approval, through Django's test client."""
