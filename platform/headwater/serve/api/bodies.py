"""What clients may ask, in OpenAI's words. Fields that change the answer and are not served are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from headwater.index.search import Method
from headwater.serve.prompting import Message, Role

Text = Annotated[str, Field(max_length=100_000)]
Stop = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=4)]


class Body(BaseModel):
    """Fields that are not listed are ignored, as OpenAI's servers do with what is new to them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StreamOptions(Body):
    """`include_usage`: a last chunk says how many tokens it took."""

    include_usage: bool = False


class Generation(Body):
    """What chat and completions have in common. The default temperature is 0: the likeliest answer."""

    model: str
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    stop: Stop = []
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    user: str = Field(default="", max_length=256)
    n: Literal[1] = 1
    logprobs: Literal[False] | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else ([] if value is None else value)

    @field_validator("temperature", "top_p", "user", "n", "stream", "stream_options", mode="before")
    @classmethod
    def _null_is_default(cls, value: object, info: object) -> object:
        name = getattr(info, "field_name", "")
        return cls.model_fields[name].get_default(call_default_factory=True) if value is None else value


class TextPart(Body):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: Text


class ChatMessage(Body):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]

    def message(self) -> Message:
        """The turn as text."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        role: Role = "system" if self.role == "developer" else self.role
        return Message(role, text)


class ChatRequest(Generation):
    """A conversation whose last turn is the user's question."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=100)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    tools: Annotated[list[object], Field(max_length=0)] | None = None

    @model_validator(mode="after")
    def _ends_with_a_question(self) -> ChatRequest:
        last = self.messages[-1].message()
        if last.role != "user" or not last.text.strip():
            raise ValueError("the last of messages must be the user's and not blank")
        return self


class CompletionRequest(Generation):
    """A bare prompt, which the model continues without passages."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]
    max_tokens: int | None = Field(default=16, ge=1)

    @property
    def text(self) -> str:
        """The prompt."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]

    @model_validator(mode="after")
    def _not_empty(self) -> CompletionRequest:
        if not self.text:
            raise ValueError("prompt must not be empty")
        return self


class EmbeddingRequest(Body):
    """Texts to embed with the release's own embedder."""

    model: str
    input: Text | Annotated[list[Text], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str = Field(default="", max_length=256)

    @property
    def texts(self) -> list[str]:
        """The texts."""
        return [self.input] if isinstance(self.input, str) else self.input


class SearchRequest(Body):
    """A search without an answer."""

    query: Text
    k: int = Field(default=5, ge=1, le=100)
    method: Method = "hybrid"
    user: str = Field(default="", max_length=256)

    @field_validator("query")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("query must not be blank")
        return value


class FeedbackRequest(Body):
    """A judgement of a response: a thumb (1, 0, -1), a score from 0 to 1, the right answer, or several."""

    response_id: str = Field(pattern=r"^(chatcmpl|cmpl|search|emb)-[0-9a-f]{32}$")
    vote: Literal[-1, 0, 1] | None = None
    score: float | None = Field(default=None, ge=0.0, le=1.0)
    correction: Text = ""
    user: str = Field(default="", max_length=256)

    @model_validator(mode="after")
    def _says_something(self) -> FeedbackRequest:
        if self.vote is None and self.score is None and not self.correction.strip():
            raise ValueError("give vote, score or correction")
        return self
