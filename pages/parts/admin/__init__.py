"""The tabs of the admin page; each is drawn only when it is open."""
