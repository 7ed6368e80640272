"""The HTTP API under ``/api``: bearer tokens in, JSON out, every refusal in one shape."""

from core.api.factory import application, routes

__all__ = ["application", "routes"]
