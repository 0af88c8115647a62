"""Which handler runs for which message, in either mode of the lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from r3cli.chain.cosmos.message import Message
from r3cli.lab.genesis import Mode
from r3cli.lab.remes import published
from r3cli.lab.remes.aggregation import commit_aggregation, reveal_aggregation
from r3cli.lab.remes.disputes import challenge_aggregation, resolve_challenge
from r3cli.lab.remes.module import Module, refuse
from r3cli.lab.remes.work import register_node, submit_gradient
from r3cli.network.r3mes import messages, messages_services
from r3cli.network.r3mes.schema import R3mesMessage

Handler = Callable[[Module, Any], Message]

_SCHEMA = {**vars(messages), **vars(messages_services)}

HANDLERS: Mapping[Mode, Mapping[str, Handler]] = {
    "full": {
        "MsgRegisterNode": register_node,
        "MsgSubmitGradient": submit_gradient,
        "MsgCommitAggregation": commit_aggregation,
        "MsgRevealAggregation": reveal_aggregation,
        "MsgChallengeAggregation": challenge_aggregation,
        "MsgResolveChallenge": resolve_challenge,
    },
    "published": {
        "MsgRegisterNode": published.register_node,
        "MsgSubmitGradient": published.submit_gradient,
    },
}

MESSAGES: Mapping[str, type[Message]] = {
    cls.url(): cls
    for name, cls in _SCHEMA.items()
    if isinstance(cls, type) and issubclass(cls, R3mesMessage) and f"{name}Response" in _SCHEMA
}


def handle(module: Module, message: Message) -> Message:
    """Run a message of this module and return its answer; raises `Rejection`."""
    name = type(message).__name__
    handler = HANDLERS[module.context.genesis.mode].get(name)
    if handler is not None:
        return handler(module, message)
    if module.context.genesis.mode == "published":
        answer: Message = _SCHEMA[f"{name}Response"]()  # 36 of its 40 handlers do nothing and say nothing
        return answer
    hint = " (commit and reveal instead)" if name == "MsgSubmitAggregation" else ""
    raise refuse("not implemented", f"the lab network does not execute {name}{hint}")
