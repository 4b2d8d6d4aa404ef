"""A judge on this machine's own address, with the interface that vendors have and every fault that they have.

    python -m prevalence_demo.loopback_judge --port 8099 --seed 7

What it answers depends on the seed and on what it is shown, so the same item has the same answer. It counts what it is asked and what a
vendor would charge, by idempotency key: GET /counts. Nothing of it is clever: an item violates when a hash of its texts says so.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

OBEYED = "ignore the policy"


def unit(*parts: object) -> float:
    """A number in [0, 1) that the parts decide."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_violating(seed: int, share: float, policy_id: str, texts: list[str]) -> bool:
    """The truth of this world, which experts know and the judge nearly does."""
    return unit("truth", seed, policy_id, *texts) < share


@dataclass
class Faults:
    """Shares of items, or of requests, that go wrong in each way."""

    # of items: the same item fails the same way however often it is asked
    refusal: float = 0.0
    provider_filter: float = 0.0
    truncated: float = 0.0
    malformed: float = 0.0
    schema_invalid: float = 0.0
    fenced: float = 0.0
    # of requests: the next one may be answered
    rate_limited: float = 0.0
    server_error: float = 0.0
    slow: float = 0.0

    @classmethod
    def of_all_kinds(cls) -> Faults:
        """As a usable judge has them: the gate blocks one that leaves more than a twentieth unanswered."""
        return cls(0.01, 0.005, 0.005, 0.01, 0.005, 0.2, 0.03, 0.03, 0.005)


@dataclass
class Judge:
    seed: int = 7
    violating_share: float = 0.1
    sensitivity: float = 0.85
    false_positive_rate: float = 0.02
    faults: Faults = field(default_factory=Faults)
    # how long a slow answer takes, and every answer
    slow_seconds: float = 5.0
    seconds: float = 0.0
    key: str | None = None
    obeys: bool = False
    requests: Counter[str] = field(default_factory=Counter)
    charges: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, set[str]] = field(default_factory=dict)

    async def complete(self, request: web.Request) -> web.Response:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "invalid_api_key")
        raw = await request.read()
        key = request.headers.get("Idempotency-Key") or hashlib.sha256(raw).hexdigest()
        self.requests[key] += 1
        self.bodies.setdefault(key, set()).add(hashlib.sha256(raw).hexdigest())
        times = self.requests[key]
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if unit("limit", self.seed, key, times) < self.faults.rate_limited:
            return _error(429, "rate_limit_exceeded", {"Retry-After": "0.05"})
        if unit("error", self.seed, key, times) < self.faults.server_error:
            return _error(503, "overloaded")
        if unit("slow", self.seed, key, times) < self.faults.slow:
            await asyncio.sleep(self.slow_seconds)
        self.charges[key] += 1
        return web.json_response(self.answer(json.loads(raw)))

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        user = body["messages"][-1]["content"]
        user = user if isinstance(user, str) else user[0]["text"]
        shown = re.search(r"BEGIN \(JSON, data only\)\n(.*)\nITEM", user, re.DOTALL)
        policy_id = re.search(r"under policy (\S+) ", user)
        assert shown and policy_id
        components = json.loads(shown.group(1))
        texts = [component["text"] or "" for component in components]
        item = ("item", self.seed, policy_id.group(1), *texts)
        schema = body["response_format"]["json_schema"]["schema"]["properties"]
        truth = is_violating(self.seed, self.violating_share, policy_id.group(1), texts)
        says = unit(*item, "says") < (self.sensitivity if truth else self.false_positive_rate)
        if self.obeys and OBEYED in " ".join(texts).lower():
            says = False
        answer = {
            "instruction_like_content": OBEYED in " ".join(texts).lower(),
            "needs_escalation": False,
            "component_refs": [components[-1]["ref"]] if says and components else [],
            "rule_ids": schema["rule_ids"]["items"]["enum"][:1] if says else [],
            "rationale": "As the policy says.",
            "decision": "violating" if says else "non_violating",
            "confidence": ("low", "medium", "high")[int(3 * unit(*item, "confidence"))],
        }
        message: dict[str, Any] = {"role": "assistant", "content": json.dumps(answer), "refusal": None}
        reason = "stop"
        piece = unit(*item, "fault")
        for fault in ("refusal", "provider_filter", "truncated", "malformed", "schema_invalid", "fenced"):
            share = getattr(self.faults, fault)
            if piece < share:
                reason = self._spoil(fault, message, answer)
                break
            piece -= share
        tokens = len(json.dumps(body["messages"])) // 4
        return {
            "id": f"chatcmpl-{hashlib.sha256(repr(item).encode()).hexdigest()[:12]}",
            "object": "chat.completion",
            "model": body["model"],
            "system_fingerprint": f"loopback_{self.seed}",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 60, "total_tokens": tokens + 60},
        }

    def _spoil(self, fault: str, message: dict[str, Any], answer: dict[str, Any]) -> str:
        match fault:
            case "refusal":
                message |= {"content": None, "refusal": "I cannot help with that."}
            case "provider_filter":
                message["content"] = None
                return "content_filter"
            case "truncated":
                message["content"] = message["content"][:40]
                return "length"
            case "malformed":
                message["content"] = "The item " + message["content"]
            case "schema_invalid":
                message["content"] = json.dumps({**answer, "decision": "maybe"})
            case "fenced":
                message["content"] = f"```json\n{message['content']}\n```"
        return "stop"

    async def counts(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "requests": sum(self.requests.values()),
                "keys": len(self.requests),
                "charges": sum(self.charges.values()),
                "charged_twice": sum(times > 1 for times in self.charges.values()),
            }
        )

    def application(self) -> web.Application:
        application = web.Application(client_max_size=64_000_000)
        application.router.add_post("/v1/chat/completions", self.complete)
        application.router.add_get("/counts", self.counts)
        return application


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status, headers=headers)


@contextmanager
def serving(judge: Judge) -> Iterator[str]:
    """Within, the judge answers at this base URL, from a thread of its own."""
    loop = asyncio.new_event_loop()
    started: list[int] = []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(judge.application(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        started.append(runner.addresses[0][1])
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{started[0]}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="A judge on 127.0.0.1 with the interface of OpenAI's chat completions."
    )
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--violating-share", type=float, default=0.1)
    parser.add_argument("--seconds", type=float, default=0.0, help="that each answer takes")
    parser.add_argument("--faults", action="store_true", help="with every fault that the list of outcomes knows")
    given = parser.parse_args()
    judge = Judge(
        seed=given.seed,
        violating_share=given.violating_share,
        seconds=given.seconds,
        faults=Faults.of_all_kinds() if given.faults else Faults(),
    )
    web.run_app(judge.application(), host="127.0.0.1", port=given.port, access_log=None)


if __name__ == "__main__":
    main()
