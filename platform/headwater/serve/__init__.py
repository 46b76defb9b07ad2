"""Answering from a release."""

from headwater.serve.released import Answer, Citation, NotReleased, Released, open_release

__all__ = ["Answer", "Citation", "NotReleased", "Released", "open_release"]
