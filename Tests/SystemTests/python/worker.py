"""A worker on stock grpcio, written against Schema/proto alone. Prints one line a step; exit 0 when all went right."""

import argparse
import pathlib
import queue
import sys
import threading
import time

parser = argparse.ArgumentParser()
for name in ("stubs", "first", "second", "identity", "project"):
    parser.add_argument("--" + name, required=True)
options = parser.parse_args()
sys.path.insert(0, options.stubs)

import grpc  # noqa: E402
from plimsoll.v1 import work_queue_pb2 as pb  # noqa: E402
from plimsoll.v1 import work_queue_pb2_grpc as rpc  # noqa: E402

WAIT = 20.0
REVISION = 1


def check(condition, what):
    print(("ok      " if condition else "FAILED  ") + what, flush=True)
    if not condition:
        sys.exit(1)


def read(name):
    return (pathlib.Path(options.identity) / name).read_bytes()


def connect(address, certificate=True):
    credentials = grpc.ssl_channel_credentials(
        root_certificates=read("ca.pem"),
        private_key=read("key.pem") if certificate else None,
        certificate_chain=read("cert.pem") if certificate else None,
    )
    return grpc.secure_channel(address, credentials)


class Stream:
    """One work stream with a heartbeat; what arrives is kept by kind."""

    def __init__(self, channel, hello):
        self.outbox = queue.Queue()
        self.lock = threading.Condition()
        self.messages = []
        self.error = None
        self.call = rpc.WorkQueueStub(channel).Work(iter(self.outbox.get, None))
        self.outbox.put(pb.WorkerMessage(hello=hello))
        threading.Thread(target=self.listen, daemon=True).start()
        self.welcome = None
        try:
            self.welcome = self.wait(lambda m: m.welcome if m.HasField("welcome") else None)
        except grpc.RpcError:
            return
        threading.Thread(target=self.beat, daemon=True).start()

    def listen(self):
        try:
            for message in self.call:
                with self.lock:
                    self.messages.append(message)
                    self.lock.notify_all()
        except grpc.RpcError as error:
            self.error = error
        with self.lock:
            if self.error is None:
                self.error = EOFError("the stream ended")
            self.lock.notify_all()

    def beat(self):
        while self.error is None:
            time.sleep(self.welcome.heartbeat_seconds)
            self.outbox.put(pb.WorkerMessage(heartbeat=True))

    def count(self):
        with self.lock:
            return len(self.messages)

    def wait(self, look, seen=0):
        """The first thing that `look` finds in the messages after the first `seen`."""
        deadline = time.monotonic() + WAIT
        with self.lock:
            while True:
                for message in self.messages[seen:]:
                    found = look(message)
                    if found:
                        return found
                seen = len(self.messages)
                if self.error is not None:
                    raise self.error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("nothing came within %s s; all: %s" % (WAIT, self.messages))
                self.lock.wait(left)

    def lease(self, count):
        """Wants so many leases and returns them; asks again when an idle says when."""
        got = []
        deadline = time.monotonic() + WAIT
        while len(got) < count and time.monotonic() < deadline:
            seen = self.count()
            self.outbox.put(pb.WorkerMessage(want=count - len(got)))
            asked = count - len(got)

            def look(message):
                return message if message.leases or message.HasField("idle") else None

            while asked > 0:
                message = self.wait(look, seen)
                got += message.leases
                asked -= len(message.leases)
                seen = self.messages.index(message) + 1
                if message.HasField("idle"):
                    print("        %s" % pb.IdleReason.Name(message.idle.reason), flush=True)
                    time.sleep(message.idle.ask_again_milliseconds / 1000)
                    break
        return got

    def submit(self, task, fence, answer):
        """The settlement of this submit."""
        seen = self.count()
        self.outbox.put(pb.WorkerMessage(submits=[pb.Submit(task=task, fence=fence, answer=answer)]))

        def look(message):
            return next((s for s in message.settlements if (s.task, s.fence) == (task, fence)), None)

        return self.wait(look, seen)

    def close(self):
        self.outbox.put(None)


def outcome(settlement):
    return pb.SettlementOutcome.Name(settlement.outcome).removeprefix("SETTLEMENT_OUTCOME_")


def hello(**members):
    return pb.Hello(
        **{"revision": REVISION, "client_version": "python/1", "in_flight": 8, "project": options.project, **members})


# Without a certificate nobody is heard.
try:
    rpc.WorkQueueStub(connect(options.first, certificate=False)).ListAgreements(pb.ListAgreementsRequest(), timeout=10)
    refused = None
except grpc.RpcError as error:
    refused = error.code()
check(refused in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED), "no certificate: %s" % refused)

first = connect(options.first)
stub = rpc.WorkQueueStub(first)

# Nothing without the agreement; then it is given under the notice that was shown.
notices = stub.ListAgreements(pb.ListAgreementsRequest(), timeout=10).notices
check(len(notices) == 1 and notices[0].state == "", "one notice, never asked")
early = Stream(first, hello())
early.outbox.put(pb.WorkerMessage(want=1))
idle = early.wait(lambda m: m.idle if m.HasField("idle") else None)
check(idle.reason == pb.IDLE_REASON_NOT_ELIGIBLE and idle.refusal.rule == "agreement",
      "idle without the agreement: %s %s" % (pb.IdleReason.Name(idle.reason), idle.refusal.rule))
early.close()
notice = notices[0].notice
receipt = stub.GiveAgreement(
    pb.GiveAgreementRequest(notice=notice.id, version=notice.version, sha256=notice.sha256), timeout=10)
check(receipt.state == "given", "agreed, receipt %s" % bool(receipt.receipt_id))

# A client of another revision is told the common one, or that there is none.
newer = Stream(first, hello(revision=99))
check(newer.welcome is not None and newer.welcome.revision == REVISION, "revision 99 is welcomed with %d" % REVISION)
newer.close()
older = Stream(first, hello(revision=0))
check(older.welcome is None and older.error.code() in
      (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNIMPLEMENTED),
      "revision 0 is refused: %s" % older.error)

# Lease and answer.
work = Stream(first, hello())
check(work.welcome.revision == REVISION, "welcomed by %s" % work.welcome.coordinator)
one, two, three = work.lease(3)
check(len({lease.task for lease in (one, two, three)}) == 3, "three different tasks")
check(all(lease.deadline_milliseconds > 0 for lease in (one, two, three)), "each with a deadline as a duration")
got = work.submit(one.task, one.fence, b"12")
check(outcome(got) == "REFUSED_SCHEMA" and len(got.problems) == 1, "12 is not in the schema: %s" % got.problems)
got = work.submit(one.task, one.fence + 1_000_000, b"1")
check(outcome(got) == "UNKNOWN_LEASE", "another fence counts for nothing: %s" % outcome(got))
got = work.submit(one.task, one.fence, b"1")
check(outcome(got) == "ACCEPTED", "the right fence: %s" % outcome(got))
again = work.submit(one.task, one.fence, b"1")
check(outcome(again) == "ACCEPTED", "the same submit again, the same ack: %s" % outcome(again))
again = work.submit(one.task, one.fence, b"2")
check(outcome(again) == "ALREADY_ANSWERED", "another answer: %s" % outcome(again))

# To the other coordinator, presenting what is held; the first stream is cut without a word.
work.call.cancel()
first.close()
second = connect(options.second)
held = [pb.LeaseReference(task=lease.task, fence=lease.fence) for lease in (two, three)]
moved = Stream(second, hello(held=held))
kept = {(change.task, change.fence) for change in moved.welcome.kept}
check(kept == {(two.task, two.fence), (three.task, three.fence)}, "both leases stand at the other coordinator")
got = moved.submit(two.task, two.fence, b"3")
check(outcome(got) == "ACCEPTED", "answered there: %s" % outcome(got))
got = moved.submit(one.task, one.fence, b"1")
check(outcome(got) == "ACCEPTED", "an old submit, repeated there: %s" % outcome(got))
got = moved.submit(three.task, three.fence, b"4")
check(outcome(got) == "ACCEPTED", "and the third: %s" % outcome(got))

# The rest, to the end.
rest = moved.lease(3)
check(len(rest) == 3, "the other three tasks come from the second coordinator")
for lease in rest:
    got = moved.submit(lease.task, lease.fence, b"5")
    check(outcome(got) == "ACCEPTED", "task %s: %s" % (lease.key, outcome(got)))
seen = moved.count()
moved.outbox.put(pb.WorkerMessage(want=1))
idle = moved.wait(lambda m: m.idle if m.HasField("idle") else None, seen)
check(idle.reason == pb.IDLE_REASON_NOTHING_LEFT, "nothing left: %s" % pb.IdleReason.Name(idle.reason))
moved.outbox.put(pb.WorkerMessage(leaving=True))
moved.close()
second.close()
