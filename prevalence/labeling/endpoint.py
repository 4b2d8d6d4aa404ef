"""Send a batch to an OpenAI-compatible endpoint: many at once, patiently, and none paid twice that can be helped.

The client sends the lines of the batch as they are and keeps what comes back as it came; what an answer is worth is decided when it is
imported. Here it is only looked at to see whether asking once more may help.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import duckdb

from prevalence.engines.settings import UserError
from prevalence.engines.terminal import is_terminal
from prevalence.labeling.exports import BODY_BEGINS, open_ledger
from prevalence.labeling.journal import Journal, State, read_at, records
from prevalence.labeling.ledger import PRICES, Export, Ledger, now, stamp, write_whole
from prevalence.labeling.policy_rendering import DECISIONS

if TYPE_CHECKING:
    import aiohttp

URL, KEY, MODEL = "PREVALENCE_JUDGE_URL", "PREVALENCE_JUDGE_KEY", "PREVALENCE_JUDGE_MODEL"
# what passes by itself: a time-out, a conflict, a limit; and everything that is the server's
PASSING = (408, 409, 425, 429)
LARGEST_ANSWER = 8_000_000
LONGEST_WAIT = 120.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class Options:
    base_url: str
    key: str | None = None
    concurrency: int = 16
    # of one request in one run, where what went wrong may pass
    tries: int = 5
    timeout: float = 120.0
    # first pause before a second try, in seconds; doubled each time
    pause: float = 0.5


@dataclass
class Sent:
    """What a run did."""

    requested: int = 0
    answered: int = 0
    in_flight_before: int = 0
    requests: int = 0
    open: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Stopped(UserError):
    """The endpoint cannot be used as it is; what was answered is kept."""


def endpoint(base_url: str) -> str:
    """The address that a batch's lines are sent to. A base URL ends in /v1, as vendors and servers write it."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(
            f"{base_url!r} is no base URL of an endpoint. Remedy: --base-url (or {URL}) like http://127.0.0.1:8000/v1."
        )
    path = parts.path.rstrip("/") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/chat/completions')}/chat/completions" + (
        f"?{parts.query}" if parts.query else ""
    )


def key_from_environment() -> str | None:
    return os.environ.get(KEY) or os.environ.get("OPENAI_API_KEY") or None


def unfinished(ledger: Ledger) -> list[Export]:
    """Batches with questions that no imported file has an end of."""
    return [
        export
        for export in ledger.exports()
        if export.manifest["schema"].startswith("openai-batch/")
        and len(_ended(ledger, export)) < export.manifest["rows"]
    ]


def _ended(ledger: Ledger, export: Export) -> set[str]:
    """Questions whose answers are imported, or that are asked once more in another export."""
    with duckdb.connect() as connection:
        open_ledger(connection, ledger)
        rows = connection.execute(
            "select distinct outcomes.custom_id from outcomes inner join asked on outcomes.custom_id = asked.custom_id "
            "where asked.export_id = ? and outcomes.disposition in ('answer', 'ask_again')",
            [export.export_id],
        ).fetchall()
    return {custom_id for (custom_id,) in rows}


def write_prices(export: Export, input_price: float, output_price: float, currency: str) -> None:
    prices = {"input": input_price, "output": output_price, "currency": currency}
    write_whole(export.folder / PRICES, json.dumps(prices).encode())


def said(export: Export, sent: Sent) -> list[str]:
    statuses = ", ".join(f"{count:,} of {status}" for status, count in sorted(sent.statuses.items())) or "none"
    lines = [
        f"{export.export_id}: {sent.answered:,} of {sent.requested:,} answered, {sent.requests:,} requests in {sent.seconds:.1f} s "
        f"({statuses}), {sent.input_tokens:,} tokens in, {sent.output_tokens:,} out"
    ]
    if sent.in_flight_before:
        lines.append(
            f"     {sent.in_flight_before:,} were in flight when the last run died, and were sent again with the same key"
        )
    if sent.open:
        lines.append(f"     {sent.open:,} are still open; the same command asks them again")
    return lines


def send(ledger: Ledger, export: Export, options: Options) -> Sent:
    """Send what the export's journal does not hold an answer to, and write what came back to results.jsonl."""
    with ledger.alone("run", export.folder), progress(export.export_id) as report:
        states = read_states(export)
        for custom_id in _ended(ledger, export):
            states.setdefault(custom_id, State()).is_done = True
        sent = Sent(requested=export.manifest["rows"])
        sent.answered = sum(state.is_done for state in states.values())
        sent.in_flight_before = sum(state.is_in_flight for state in states.values())
        begun = time.monotonic()
        try:
            asyncio.run(_Sender(export, options, states, sent, report).run())
        finally:
            sent.seconds = time.monotonic() - begun
            sent.answered = sum(state.is_done for state in states.values())
            sent.open = sent.requested - sent.answered
            write_results(export, states)
        return sent


def read_states(export: Export) -> dict[str, State]:
    states: dict[str, State] = {}
    look = _Look(export)
    for offset, record in records(export.journal):
        state = states.setdefault(record["custom_id"], State())
        _take(state, record, _read_json(record.get("body") or ""), offset, look)
    return states


def _take(state: State, record: dict[str, Any], answer: Any, offset: int, look: _Look) -> None:
    state.attempt = max(state.attempt, record["attempt"])
    match record["event"]:
        case "sent":
            state.is_in_flight = True
        case "answered":
            state.is_in_flight = False
            state.error = None
            state.answered_at = offset
            status = record["status"]
            if status == 200:
                advice = look(answer)
                state.repeats += advice != "take"
                state.was_cut_off |= advice == "longer"
                # each kind once: a judge that cannot keep the form is not asked for ever
                state.is_done = advice == "take" or state.repeats > 1
            else:
                state.is_done = not (status in PASSING or status >= 500)
        case "failed":
            state.is_in_flight = False
            state.error, state.said = record["error"], record.get("said")


class _Look:
    """Whether an answer is worth taking, or asking again may give a better one."""

    def __init__(self, export: Export) -> None:
        self.rules = set(export.manifest["rule_ids"])

    def __call__(self, body: Any) -> str:
        try:
            choice = body["choices"][0]
            message = choice["message"]
        except (LookupError, TypeError):
            return "repeat"
        if not isinstance(message, dict) or message.get("refusal") or choice.get("finish_reason") == "content_filter":
            return "take"
        if choice.get("finish_reason") == "length":
            return "longer"
        try:
            answer = json.loads(unfenced(message["content"]))
            is_answer = answer["decision"] in DECISIONS and self.rules >= set(answer["rule_ids"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return "repeat"
        return "take" if is_answer else "repeat"


def _read_json(text: str) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def unfenced(text: str) -> str:
    """Without the one fence that chat models like to put around JSON."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return text


class _Sender:
    def __init__(
        self,
        export: Export,
        options: Options,
        states: dict[str, State],
        sent: Sent,
        report: Callable[[Sent], None],
    ) -> None:
        self.export, self.options, self.states, self.sent, self.report = export, options, states, sent, report
        self.look = _Look(export)
        self.url = endpoint(options.base_url)
        self.not_before = 0.0
        # requests in a row that were given up, and whether any was answered at all
        self.fruitless, self.is_fruitful = 0, False
        self.lines = self._open_lines()

    def _open_lines(self) -> Iterator[tuple[str, bytes]]:
        """What is to be asked: the question's id and the body, as it stands in the file."""
        for path in self.export.sent_files(".jsonl"):
            with open(path, "rb") as file:
                for line in file:
                    head, _, body = line.rstrip().partition(BODY_BEGINS)
                    custom_id = json.loads(head + b"}")["custom_id"]
                    if not self.states.setdefault(custom_id, State()).is_done:
                        yield custom_id, body[:-1]

    async def run(self) -> None:
        import aiohttp

        headers = {"Content-Type": "application/json"}
        if self.options.key:
            headers["Authorization"] = f"Bearer {self.options.key}"
        self.journal = Journal(self.export.journal)
        is_outside = urlsplit(self.url).hostname not in _LOOPBACK
        workers: list[asyncio.Task[None]] = []
        try:
            async with aiohttp.ClientSession(
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self.options.timeout),
                connector=aiohttp.TCPConnector(limit=self.options.concurrency),
                trust_env=is_outside,
            ) as session:
                workers = [asyncio.create_task(self._work(session)) for _ in range(self.options.concurrency)]
                try:
                    await asyncio.gather(*workers)
                finally:
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)
        finally:
            await self.journal.close()
            self.report(self.sent)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        for custom_id, body in self.lines:
            await self._ask(session, custom_id, body)
            self.report(self.sent)

    async def _ask(self, session: aiohttp.ClientSession, custom_id: str, body: bytes) -> None:
        state = self.states[custom_id]
        failures = 0
        while not state.is_done:
            wait = self.not_before - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            # what was in flight is sent again as what it was
            attempt = state.attempt if state.is_in_flight else state.attempt + 1
            record, answer, retry_after = await self._post(session, custom_id, body, attempt)
            offset = await self.journal.keep(record)
            _take(state, record, answer, offset, self.look)
            if record["event"] == "answered" and record["status"] == 200:
                self.fruitless, self.is_fruitful = 0, True
            if state.is_done:
                self.sent.answered += 1
                return
            if record.get("status") == 200:
                continue
            failures += 1
            if failures >= self.options.tries:
                self._give_up(record)
                return
            pause = self.options.pause * 2 ** (failures - 1)
            wait = min(max(random.uniform(pause / 2, pause), retry_after), LONGEST_WAIT)
            if retry_after or record.get("status") == 429:
                # a limit is everybody's
                self.not_before = max(self.not_before, time.monotonic() + wait)
            else:
                await asyncio.sleep(wait)

    def _give_up(self, record: dict[str, Any]) -> None:
        self.fruitless += 1
        if self.fruitless >= (max(2 * self.options.concurrency, 8) if self.is_fruitful else 4):
            what = record.get("error") or f"status {record.get('status')}"
            raise Stopped(
                f"The endpoint {self.options.base_url} does not answer any more ({what}, {self.options.tries} tries of each "
                "request). What it answered is kept. Remedy: see to it that it runs, and run the same command again."
            )

    async def _post(
        self, session: aiohttp.ClientSession, custom_id: str, body: bytes, attempt: int
    ) -> tuple[dict[str, Any], Any, float]:
        import aiohttp

        state = self.states[custom_id]
        # one key for one answer that is wanted: a request that timed out may have been answered and paid, too
        key = hashlib.sha256(f"{self.export.export_id}|{custom_id}|{state.repeats}".encode()).hexdigest()[:32]
        if state.was_cut_off:
            body = _longer(body)
        event = {"custom_id": custom_id, "attempt": attempt}
        self.journal.write({"event": "sent", **event, "key": key, "at": stamp(now())})
        self.sent.requests += 1
        begun = time.monotonic()
        try:
            async with session.post(
                self.url,
                data=body,
                headers={"Idempotency-Key": key},
                allow_redirects=False,
            ) as response:
                content = await _read(response)
                status, answer_headers = response.status, response.headers
        except TimeoutError:
            self.sent.statuses["timeout"] += 1
            return {"event": "failed", **event, "error": "timeout"}, None, 0.0
        except (aiohttp.ClientError, OSError) as error:
            self.sent.statuses["connection_error"] += 1
            return {"event": "failed", **event, "error": "connection_error", "said": str(error)[:200]}, None, 0.0
        self.sent.statuses[str(status)] += 1
        if content is None:
            return {"event": "failed", **event, "error": "answer_too_large"}, None, 0.0
        self._refuse_fatal(status, content)
        text = content.decode("utf-8", "replace")
        record = {
            "event": "answered",
            **event,
            "status": status,
            "request_id": answer_headers.get("x-request-id"),
            "seconds": round(time.monotonic() - begun, 3),
            "at": stamp(now()),
            "body": text,
        }
        answer = _read_json(text)
        self._count(answer)
        return record, answer, _retry_after(answer_headers.get("Retry-After"))

    def _count(self, answer: Any) -> None:
        try:
            usage = answer.get("usage") or {}
            self.sent.input_tokens += int(usage.get("prompt_tokens") or 0)
            self.sent.output_tokens += int(usage.get("completion_tokens") or 0)
        except (ValueError, TypeError, AttributeError):
            pass

    def _refuse_fatal(self, status: int, content: bytes) -> None:
        """What would go wrong with every other request as well."""
        remedies = {
            401: f"{KEY} with a key that is valid there",
            403: f"{KEY} with a key that may use this model",
            404: f"--base-url as the vendor writes it, most often with /v1 at its end, and a model that it has ({URL}, {MODEL})",
        }
        if 300 <= status < 400:
            remedies[status] = "--base-url with the address that it sends to; a key is not carried along"
        if status in remedies:
            said = " ".join(content[:200].decode("utf-8", "replace").split())
            raise Stopped(
                f"The endpoint {self.options.base_url} refuses every request (status {status}: {said}). Remedy: "
                f"{remedies[status]}."
            )


def _longer(body: bytes) -> bytes:
    """The same question with room for an answer twice as long."""
    asked = json.loads(body)
    for name in ("max_completion_tokens", "max_tokens"):
        if isinstance(asked.get(name), int):
            asked[name] *= 2
    return json.dumps(asked, ensure_ascii=False).encode()


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            return None
    return b"".join(parts)


def _retry_after(value: str | None) -> float:
    """Seconds that the server asks to wait; it says them as a number or as a time."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return 0.0
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return seconds if 0 < seconds < float("inf") else 0.0


def write_results(export: Export, states: dict[str, State]) -> None:
    """What came back, as the lines of a batch's output: the last answer to each question, or why there is none."""
    if not export.journal.exists():
        return
    lines = []
    with open(export.journal, "rb") as journal:
        for custom_id, state in states.items():
            if state.answered_at is not None:
                lines.append(_result(read_at(journal, state.answered_at)))
            elif state.error is not None:
                error = {"code": state.error, "message": state.said}
                lines.append({"custom_id": custom_id, "response": None, "error": error})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_whole(export.results, text.encode("utf-8", "replace"))


def _result(record: dict[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(record["body"])
    except (ValueError, RecursionError):
        body = record["body"]
    return {
        "id": f"{record['custom_id']}.{record['attempt']}",
        "custom_id": record["custom_id"],
        "response": {"status_code": record["status"], "request_id": record["request_id"], "body": body},
        "error": None,
        "seconds": record["seconds"],
        "at": record["at"],
    }


@contextmanager
def progress(title: str) -> Iterator[Callable[[Sent], None]]:
    """A bar on a terminal; elsewhere a line every ten seconds."""

    def line(sent: Sent) -> str:
        return f"{sent.requests:,} requests, {sent.input_tokens + sent.output_tokens:,} tokens"

    if not is_terminal():
        last = [time.monotonic()]

        def say(sent: Sent) -> None:
            if time.monotonic() - last[0] >= 10:
                last[0] = time.monotonic()
                print(f"{title}: {sent.answered:,} of {sent.requested:,} answered, {line(sent)}", flush=True)

        yield say
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[line]}", markup=False), transient=True) as bar:
        task = bar.add_task(title, total=None, line="")
        yield lambda sent: bar.update(task, total=sent.requested, completed=sent.answered, line=line(sent))
