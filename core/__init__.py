"""The AI factory portal's rules and store: plain Python that knows no screen."""

__version__ = "0.1.0"
