"""The HTTP face of the service: OpenAI's endpoints, search, feedback, health and metrics."""

from headwater.serve.api.application import make_app

__all__ = ["make_app"]
