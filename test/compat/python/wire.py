"""A plain gRPC client of a Cadence-compatible frontend: stubs that protoc made of the .proto files, and nothing of ours.

The server's address is ANTIPHON_ADDRESS; the stubs are on PYTHONPATH (scripts/test.mjs makes them).
"""

import functools
import json
import os
import threading
import time
import uuid

import grpc
from google.protobuf import duration_pb2, timestamp_pb2
from google.rpc import status_pb2
from uber.cadence.api.v1 import (
    common_pb2,
    decision_pb2,
    service_domain_pb2,
    service_domain_pb2_grpc,
    service_meta_pb2_grpc,
    service_visibility_pb2,
    service_visibility_pb2_grpc,
    service_worker_pb2,
    service_worker_pb2_grpc,
    service_workflow_pb2,
    service_workflow_pb2_grpc,
    tasklist_pb2,
    visibility_pb2,
    workflow_pb2,
)

ADDRESS = os.environ.get("ANTIPHON_ADDRESS", "127.0.0.1:7833")
CALL_SECONDS = 10
POLL_SECONDS = 20

# What the reference's transport insists on, and who the caller says he is: the reference heeds the flags of clients that it knows alone.
METADATA = (
    ("rpc-caller", "compat-python"),
    ("rpc-service", "cadence-frontend"),
    ("rpc-encoding", "proto"),
    ("cadence-client-name", "uber-go"),
    ("cadence-client-feature-version", "1.7.0"),
)
COMPLETED_FLAG = (("cadence-client-feature-flags", json.dumps({"WorkflowExecutionAlreadyCompletedErrorEnabled": True})),)


class Connection:
    """One channel and its stubs. `call` adds the metadata and the deadline that every call needs."""

    def __init__(self, **options):
        self.channel = grpc.insecure_channel(ADDRESS, options=[("grpc.max_receive_message_length", 64 << 20)], **options)
        self.domains = service_domain_pb2_grpc.DomainAPIStub(self.channel)
        self.workflows = service_workflow_pb2_grpc.WorkflowAPIStub(self.channel)
        self.workers = service_worker_pb2_grpc.WorkerAPIStub(self.channel)
        self.visibility = service_visibility_pb2_grpc.VisibilityAPIStub(self.channel)
        self.meta = service_meta_pb2_grpc.MetaAPIStub(self.channel)

    @staticmethod
    def call(method, request, seconds=CALL_SECONDS, metadata=()):
        return method(request, timeout=seconds, metadata=METADATA + tuple(metadata))

    def close(self):
        self.channel.close()


def seconds(count):
    return duration_pb2.Duration(seconds=count)


def payload(value):
    return common_pb2.Payload(data=json.dumps(value).encode())


def value(of):
    return json.loads(of.data)


def detail(error, message_type):
    """The first detail of the error's google.rpc.Status, which is all that Cadence's clients look at."""
    raw = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    assert raw is not None, f"{error.code()} {error.details()} has no grpc-status-details-bin"
    status = status_pb2.Status.FromString(raw)
    assert status.code == error.code().value[0] and status.message == error.details(), status
    found = message_type()
    assert status.details[0].Unpack(found), f"want {message_type.DESCRIPTOR.full_name}, got {status.details[0].type_url}"
    return found


def event_names(events):
    return [event.WhichOneof("attributes").removesuffix("_event_attributes") for event in events]


class Scenario:
    """A task list of its own in the domain of the run, and calls with their usual fields."""

    def __init__(self, connection, domain):
        self.connection = connection
        self.domain = domain
        self.task_list = f"tl-{uuid.uuid4().hex[:8]}"

    def start_request(self, **fields):
        request = dict(
            domain=self.domain,
            workflow_id=f"wf-{uuid.uuid4()}",
            request_id=str(uuid.uuid4()),
            workflow_type=common_pb2.WorkflowType(name="flow"),
            task_list=tasklist_pb2.TaskList(name=self.task_list),
            execution_start_to_close_timeout=seconds(60),
            task_start_to_close_timeout=seconds(10),
            identity="compat-python",
        )
        request.update(fields)
        return service_workflow_pb2.StartWorkflowExecutionRequest(**request)

    def start(self, **fields):
        request = self.start_request(**fields)
        answer = Connection.call(self.connection.workflows.StartWorkflowExecution, request)
        return common_pb2.WorkflowExecution(workflow_id=request.workflow_id, run_id=answer.run_id)

    def signal(self, execution, name, of=None, metadata=()):
        request = service_workflow_pb2.SignalWorkflowExecutionRequest(
            domain=self.domain, workflow_execution=execution, signal_name=name, request_id=str(uuid.uuid4()), signal_input=payload(of)
        )
        return Connection.call(self.connection.workflows.SignalWorkflowExecution, request, metadata=metadata)

    def history_page(self, execution, seconds=CALL_SECONDS, **fields):
        request = service_workflow_pb2.GetWorkflowExecutionHistoryRequest(domain=self.domain, workflow_execution=execution, **fields)
        return Connection.call(self.connection.workflows.GetWorkflowExecutionHistory, request, seconds=seconds)

    def history(self, execution):
        events, token = [], b""
        while True:
            page = self.history_page(execution, next_page_token=token)
            events.extend(page.history.events)
            token = page.next_page_token
            if not token:
                return events

    def close_event(self, execution):
        """Waits by long poll, as clients do."""
        token = b""
        while True:
            page = self.history_page(
                execution,
                seconds=POLL_SECONDS,
                wait_for_new_event=True,
                history_event_filter_type=workflow_pb2.EVENT_FILTER_TYPE_CLOSE_EVENT,
                next_page_token=token,
            )
            if page.history.events:
                return page.history.events[0]
            token = page.next_page_token

    def poll_decision(self, seconds=POLL_SECONDS, task_list=None):
        request = service_worker_pb2.PollForDecisionTaskRequest(
            domain=self.domain, task_list=tasklist_pb2.TaskList(name=task_list or self.task_list), identity="compat-python"
        )
        return Connection.call(self.connection.workers.PollForDecisionTask, request, seconds=seconds)

    def poll_activity(self, seconds=POLL_SECONDS):
        request = service_worker_pb2.PollForActivityTaskRequest(
            domain=self.domain, task_list=tasklist_pb2.TaskList(name=self.task_list), identity="compat-python"
        )
        return Connection.call(self.connection.workers.PollForActivityTask, request, seconds=seconds)

    def decide(self, task, *decisions, **fields):
        request = service_worker_pb2.RespondDecisionTaskCompletedRequest(
            task_token=task.task_token, decisions=decisions, identity="compat-python", **fields
        )
        return Connection.call(self.connection.workers.RespondDecisionTaskCompleted, request)

    def complete_activity(self, task, of):
        request = service_worker_pb2.RespondActivityTaskCompletedRequest(task_token=task.task_token, result=payload(of), identity="compat-python")
        return Connection.call(self.connection.workers.RespondActivityTaskCompleted, request)

    def worker(self, decide, activity):
        return Worker(self, decide, activity)


class Worker:
    """A worker loop as a first implementation in a new language would have it: two threads that poll, run code, and answer."""

    def __init__(self, scenario, decide, activity):
        self.stopping = threading.Event()
        self.errors = []
        self.threads = [
            threading.Thread(target=self.loop, args=(scenario.poll_decision, lambda task: scenario.decide(task, *decide(task)))),
            threading.Thread(target=self.loop, args=(scenario.poll_activity, lambda task: scenario.complete_activity(task, activity(value(task.input))))),
        ]

    def loop(self, poll, run):
        while not self.stopping.is_set():
            try:
                task = poll(seconds=3)
                if task.task_token:
                    run(task)
            except grpc.RpcError as error:
                self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def complete(of):
    attributes = decision_pb2.CompleteWorkflowExecutionDecisionAttributes(result=payload(of))
    return decision_pb2.Decision(complete_workflow_execution_decision_attributes=attributes)


def schedule_activity(scenario, activity_id, of):
    attributes = decision_pb2.ScheduleActivityTaskDecisionAttributes(
        activity_id=activity_id,
        activity_type=common_pb2.ActivityType(name="step"),
        task_list=tasklist_pb2.TaskList(name=scenario.task_list),
        input=payload(of),
        schedule_to_close_timeout=seconds(30),
        schedule_to_start_timeout=seconds(30),
        start_to_close_timeout=seconds(30),
        heartbeat_timeout=seconds(30),
    )
    return decision_pb2.Decision(schedule_activity_task_decision_attributes=attributes)


def start_timer(timer_id, after):
    attributes = decision_pb2.StartTimerDecisionAttributes(timer_id=timer_id, start_to_fire_timeout=seconds(after))
    return decision_pb2.Decision(start_timer_decision_attributes=attributes)


def list_open(domain, **fields):
    now = int(time.time())
    since_an_hour = visibility_pb2.StartTimeFilter(
        earliest_time=timestamp_pb2.Timestamp(seconds=now - 3600), latest_time=timestamp_pb2.Timestamp(seconds=now + 3600)
    )
    return service_visibility_pb2.ListOpenWorkflowExecutionsRequest(**{"domain": domain, "page_size": 10, "start_time_filter": since_an_hour, **fields})


@functools.cache
def shared_domain():
    connection = Connection()
    try:
        return register_domain(connection)
    finally:
        connection.close()


def register_domain(connection):
    """A domain of this run, once every kind of call knows it: servers may cache domains for ten seconds."""
    name = f"compat-python-{uuid.uuid4().hex[:8]}"
    request = service_domain_pb2.RegisterDomainRequest(name=name, workflow_execution_retention_period=seconds(86400), data={"suite": "python"})
    Connection.call(connection.domains.RegisterDomain, request)
    end = time.monotonic() + 30
    while True:
        try:
            Connection.call(connection.visibility.ListOpenWorkflowExecutions, list_open(name))
            return name
        except grpc.RpcError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
