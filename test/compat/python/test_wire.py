"""What a client in any language meets on the wire: worker loops, errors with details, deadlines, long polls, metadata, compression, reflection, health."""

import threading
import time
import unittest
import uuid

import grpc
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from uber.cadence.api.v1 import (
    common_pb2,
    error_pb2,
    query_pb2,
    service_domain_pb2,
    service_meta_pb2,
    service_worker_pb2,
    service_workflow_pb2,
    tasklist_pb2,
    visibility_pb2,
)

import wire
from wire import Connection, Scenario, complete, detail, event_names, payload, schedule_activity, seconds, start_timer, value

BEGIN = ["workflow_execution_started", "decision_task_scheduled", "decision_task_started", "decision_task_completed"]
DECIDE = BEGIN[1:]
ACTIVITY = ["activity_task_scheduled", "activity_task_started", "activity_task_completed"]


class WireTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.connection = Connection()
        cls.domain = wire.shared_domain()

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()

    def setUp(self):
        self.s = Scenario(self.connection, self.domain)

    def failure(self, code, call, *arguments, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments, **options)
        self.assertEqual(code, caught.exception.code(), caught.exception.details())
        return caught.exception

    def run_to_end(self, of="done"):
        execution = self.s.start()
        self.s.decide(self.s.poll_decision(), complete(of))
        return execution


class Workers(WireTest):
    def test_a_worker_loop_runs_a_workflow_with_two_activities(self):
        def decide(task):
            done = [value(e.activity_task_completed_event_attributes.result) for e in task.history.events if e.HasField("activity_task_completed_event_attributes")]
            return [complete(done)] if len(done) == 2 else [schedule_activity(self.s, str(len(done)), len(done))]

        with self.s.worker(decide, lambda given: f"step {given}") as worker:
            execution = self.s.start()
            closed = self.s.close_event(execution)
        self.assertEqual(["step 0", "step 1"], value(closed.workflow_execution_completed_event_attributes.result))
        self.assertEqual(BEGIN + (ACTIVITY + DECIDE) * 2 + ["workflow_execution_completed"], event_names(self.s.history(execution)))
        self.assertEqual([], worker.errors)

    def test_a_timer_and_a_signal_come_with_their_decisions(self):
        execution = self.s.start()
        self.s.decide(self.s.poll_decision(), start_timer("t", 1))
        task = self.s.poll_decision()
        self.assertEqual("timer_fired", event_names(task.history.events)[5])
        self.s.signal(execution, "while deciding", "late")
        self.s.decide(task, complete("too early"))  # fails the decision, and not the call
        task = self.s.poll_decision()
        self.assertEqual(b'"late"', task.history.events[-3].workflow_execution_signaled_event_attributes.input.data)
        self.s.decide(task, complete("done"))
        names = event_names(self.s.history(execution))
        self.assertEqual(BEGIN + ["timer_started", "timer_fired"] + DECIDE[:2] + ["decision_task_failed", "workflow_execution_signaled"], names[: len(names) - 4])
        self.assertEqual(DECIDE + ["workflow_execution_completed"], names[-4:])

    def test_a_heartbeat_is_kept_for_the_next_attempt(self):
        self.s.start()
        decision = schedule_activity(self.s, "a", 1)
        decision.schedule_activity_task_decision_attributes.retry_policy.CopyFrom(
            common_pb2.RetryPolicy(initial_interval=seconds(1), backoff_coefficient=1, maximum_attempts=3, expiration_interval=seconds(30))
        )
        self.s.decide(self.s.poll_decision(), decision)
        first = self.s.poll_activity()
        beat = service_worker_pb2.RecordActivityTaskHeartbeatRequest(task_token=first.task_token, details=payload("half"))
        self.assertFalse(Connection.call(self.connection.workers.RecordActivityTaskHeartbeat, beat).cancel_requested)
        failed = service_worker_pb2.RespondActivityTaskFailedRequest(task_token=first.task_token, failure=common_pb2.Failure(reason="oops"))
        Connection.call(self.connection.workers.RespondActivityTaskFailed, failed)
        second = self.s.poll_activity()
        self.assertEqual((1, "half"), (second.attempt, value(second.heartbeat_details)))
        self.s.complete_activity(second, "whole")
        error = self.failure(grpc.StatusCode.NOT_FOUND, self.s.complete_activity, second, "twice")
        detail(error, error_pb2.EntityNotExistsError)

    def test_a_sticky_worker_gets_only_what_is_new(self):
        execution = self.s.start()
        sticky = f"{self.s.task_list}-sticky"
        request = service_worker_pb2.PollForDecisionTaskRequest(
            domain=self.domain, task_list=tasklist_pb2.TaskList(name=sticky, kind=tasklist_pb2.TASK_LIST_KIND_STICKY), identity="sticky"
        )
        # A sticky list that nobody polls is not used.
        poll = self.connection.workers.PollForDecisionTask.future(request, timeout=wire.POLL_SECONDS, metadata=wire.METADATA)
        time.sleep(0.3)
        self.s.decide(
            self.s.poll_decision(),
            sticky_attributes=tasklist_pb2.StickyExecutionAttributes(
                worker_task_list=tasklist_pb2.TaskList(name=sticky, kind=tasklist_pb2.TASK_LIST_KIND_STICKY), schedule_to_start_timeout=seconds(5)
            ),
        )
        self.s.signal(execution, "go")
        task = poll.result()
        self.assertEqual(["workflow_execution_signaled", "decision_task_scheduled", "decision_task_started"], event_names(task.history.events)[-3:])
        self.assertNotIn("workflow_execution_started", event_names(task.history.events))
        self.assertEqual(3, task.previous_started_event_id.value)
        self.s.decide(task, complete("done"))

    def test_a_query_is_a_task_for_the_worker(self):
        execution = self.run_to_end()
        answers = []

        def ask():
            request = service_workflow_pb2.QueryWorkflowRequest(domain=self.domain, workflow_execution=execution, query=query_pb2.WorkflowQuery(query_type="state", query_args=payload(1)))
            answers.append(Connection.call(self.connection.workflows.QueryWorkflow, request))

        caller = threading.Thread(target=ask)
        caller.start()
        task = self.s.poll_decision()
        self.assertEqual("state", task.query.query_type)
        self.assertEqual("workflow_execution_completed", event_names(task.history.events)[-1])
        answer = query_pb2.WorkflowQueryResult(result_type=query_pb2.QUERY_RESULT_TYPE_ANSWERED, answer=payload("answered"))
        Connection.call(self.connection.workers.RespondQueryTaskCompleted, service_worker_pb2.RespondQueryTaskCompletedRequest(task_token=task.task_token, result=answer))
        caller.join()
        self.assertEqual("answered", value(answers[0].query_result))


class Errors(WireTest):
    def test_an_unknown_workflow_has_a_detail(self):
        unknown = common_pb2.WorkflowExecution(workflow_id=f"wf-{uuid.uuid4()}")
        error = self.failure(grpc.StatusCode.NOT_FOUND, self.s.signal, unknown, "x")
        detail(error, error_pb2.EntityNotExistsError)

    def test_a_running_id_is_refused_with_its_run(self):
        first = self.s.start_request()
        run_id = Connection.call(self.connection.workflows.StartWorkflowExecution, first).run_id
        self.assertEqual(run_id, Connection.call(self.connection.workflows.StartWorkflowExecution, first).run_id, "the same request again")
        again = self.s.start_request(workflow_id=first.workflow_id)
        error = self.failure(grpc.StatusCode.ALREADY_EXISTS, Connection.call, self.connection.workflows.StartWorkflowExecution, again)
        found = detail(error, error_pb2.WorkflowExecutionAlreadyStartedError)
        self.assertEqual((run_id, first.request_id), (found.run_id, found.start_request_id))

    def test_a_bad_request_has_a_text_and_no_detail(self):
        request = self.s.start_request(execution_start_to_close_timeout=None)
        error = self.failure(grpc.StatusCode.INVALID_ARGUMENT, Connection.call, self.connection.workflows.StartWorkflowExecution, request)
        self.assertEqual("A valid ExecutionStartToCloseTimeoutSeconds is not set on request.", error.details())
        self.assertNotIn("grpc-status-details-bin", dict(error.trailing_metadata()))

    def test_a_registered_domain_exists_already(self):
        request = service_domain_pb2.RegisterDomainRequest(name=self.domain, workflow_execution_retention_period=seconds(86400))
        error = self.failure(grpc.StatusCode.ALREADY_EXISTS, Connection.call, self.connection.domains.RegisterDomain, request)
        detail(error, error_pb2.DomainAlreadyExistsError)

    def test_only_who_sent_the_flag_is_told_that_a_run_is_closed(self):
        execution = self.run_to_end()
        error = self.failure(grpc.StatusCode.NOT_FOUND, self.s.signal, execution, "x", metadata=wire.COMPLETED_FLAG)
        detail(error, error_pb2.WorkflowExecutionAlreadyCompletedError)
        error = self.failure(grpc.StatusCode.NOT_FOUND, self.s.signal, execution, "x")
        detail(error, error_pb2.EntityNotExistsError)
        error = self.failure(grpc.StatusCode.NOT_FOUND, self.s.signal, execution, "x", metadata=(("cadence-client-feature-flags", "{no json"),))
        detail(error, error_pb2.EntityNotExistsError)

    def test_a_second_cancellation_is_refused(self):
        execution = self.s.start()
        request = lambda: service_workflow_pb2.RequestCancelWorkflowExecutionRequest(domain=self.domain, workflow_execution=execution, request_id=str(uuid.uuid4()))
        Connection.call(self.connection.workflows.RequestCancelWorkflowExecution, request())
        error = self.failure(grpc.StatusCode.ALREADY_EXISTS, Connection.call, self.connection.workflows.RequestCancelWorkflowExecution, request())
        detail(error, error_pb2.CancellationAlreadyRequestedError)

    def test_a_failed_query_is_told_from_a_bad_one(self):
        execution = self.s.start()
        self.s.decide(self.s.poll_decision(), complete("done"))
        errors = []

        def ask():
            request = service_workflow_pb2.QueryWorkflowRequest(domain=self.domain, workflow_execution=execution, query=query_pb2.WorkflowQuery(query_type="state"))
            errors.append(self.failure(grpc.StatusCode.INVALID_ARGUMENT, Connection.call, self.connection.workflows.QueryWorkflow, request))

        caller = threading.Thread(target=ask)
        caller.start()
        task = self.s.poll_decision()
        answer = query_pb2.WorkflowQueryResult(result_type=query_pb2.QUERY_RESULT_TYPE_FAILED, error_message="no such state")
        Connection.call(self.connection.workers.RespondQueryTaskCompleted, service_worker_pb2.RespondQueryTaskCompletedRequest(task_token=task.task_token, result=answer))
        caller.join()
        self.assertEqual("no such state", errors[0].details())
        detail(errors[0], error_pb2.QueryFailedError)


class Transport(WireTest):
    def test_an_empty_poll_answers_before_its_deadline(self):
        before = time.monotonic()
        task = self.s.poll_decision(seconds=3)
        self.assertEqual(b"", task.task_token)
        self.assertLess(time.monotonic() - before, 3)

    def test_a_long_poll_waits_for_new_events(self):
        execution = self.s.start()
        first = self.s.history_page(execution, wait_for_new_event=True)
        self.assertEqual(BEGIN[:2], event_names(first.history.events))
        threading.Timer(0.3, lambda: self.s.signal(execution, "news")).start()
        second = self.s.history_page(execution, wait_for_new_event=True, next_page_token=first.next_page_token)
        self.assertEqual(["workflow_execution_signaled"], event_names(second.history.events))

    def test_a_canceled_poll_takes_no_task(self):
        request = service_worker_pb2.PollForDecisionTaskRequest(domain=self.domain, task_list=tasklist_pb2.TaskList(name=self.s.task_list), identity="gone")
        poll = self.connection.workers.PollForDecisionTask.future(request, timeout=20, metadata=wire.METADATA)
        time.sleep(0.3)
        poll.cancel()
        time.sleep(0.3)
        execution = self.s.start()
        task = self.s.poll_decision(seconds=5)
        self.assertEqual(execution.run_id, task.workflow_execution.run_id)
        self.s.decide(task, complete("done"))

    def test_compressed_requests_are_read(self):
        connection = Connection(compression=grpc.Compression.Gzip)
        try:
            big = "x" * 200_000
            execution = Scenario(connection, self.domain).start(input=payload(big))
            started = Scenario(connection, self.domain).history(execution)[0].workflow_execution_started_event_attributes
            self.assertEqual(big, value(started.input))
        finally:
            connection.close()

    def test_headers_memo_and_odd_bytes_come_back_unchanged(self):
        odd = bytes(range(256))
        execution = self.s.start(
            input=common_pb2.Payload(data=odd),
            header=common_pb2.Header(fields={"trace": common_pb2.Payload(data=odd)}),
            memo=common_pb2.Memo(fields={"note": payload("kept")}),
        )
        started = self.s.history(execution)[0].workflow_execution_started_event_attributes
        self.assertEqual((odd, odd), (started.input.data, started.header.fields["trace"].data))
        described = Connection.call(
            self.connection.workflows.DescribeWorkflowExecution,
            service_workflow_pb2.DescribeWorkflowExecutionRequest(domain=self.domain, workflow_execution=execution),
        )
        self.assertEqual("kept", value(described.workflow_execution_info.memo.fields["note"]))

    def test_unknown_fields_of_a_newer_client_are_ignored(self):
        raw = self.connection.channel.unary_unary("/uber.cadence.api.v1.DomainAPI/DescribeDomain")
        known = service_domain_pb2.DescribeDomainRequest(name=self.domain).SerializeToString()
        unknown = b"\xfa\x7f\x03new"  # field 2047, of bytes
        answer = service_domain_pb2.DescribeDomainResponse.FromString(raw(known + unknown, timeout=5, metadata=wire.METADATA))
        self.assertEqual(self.domain, answer.domain.name)

    def test_what_is_no_message_is_an_error_and_not_the_end(self):
        raw = self.connection.channel.unary_unary("/uber.cadence.api.v1.DomainAPI/DescribeDomain")
        with self.assertRaises(grpc.RpcError):
            raw(b"\xff\xff\xff\xff", timeout=5, metadata=wire.METADATA)
        Connection.call(self.connection.meta.Health, service_meta_pb2.HealthRequest())

    def test_an_unknown_method_is_unimplemented(self):
        raw = self.connection.channel.unary_unary("/uber.cadence.api.v1.WorkflowAPI/DoesNotExist")
        self.failure(grpc.StatusCode.UNIMPLEMENTED, raw, b"", timeout=5, metadata=wire.METADATA)

    def test_many_calls_share_one_connection(self):
        calls = [
            self.connection.workflows.StartWorkflowExecution.future(self.s.start_request(), timeout=wire.CALL_SECONDS, metadata=wire.METADATA)
            for _ in range(200)
        ]
        self.assertEqual(200, len({call.result().run_id for call in calls}))


class Service(WireTest):
    def test_pages_of_a_list_meet_every_run_once(self):
        kind = f"type-{uuid.uuid4().hex[:8]}"
        runs = {self.s.start(workflow_type=common_pb2.WorkflowType(name=kind)).run_id for _ in range(7)}
        seen, token, end = [], b"", time.monotonic() + 15
        while True:
            request = wire.list_open(self.domain, page_size=3, next_page_token=token, type_filter=visibility_pb2.WorkflowTypeFilter(name=kind))
            page = Connection.call(self.connection.visibility.ListOpenWorkflowExecutions, request)
            seen.extend(info.workflow_execution.run_id for info in page.executions)
            token = page.next_page_token
            if not token:
                if len(seen) >= len(runs) or time.monotonic() > end:
                    break
                seen = []
                time.sleep(0.2)
        self.assertEqual(sorted(runs), sorted(seen))

    def test_a_terminated_run_says_why(self):
        execution = self.s.start()
        Connection.call(
            self.connection.workflows.TerminateWorkflowExecution,
            service_workflow_pb2.TerminateWorkflowExecutionRequest(domain=self.domain, workflow_execution=execution, reason="enough", identity="operator"),
        )
        closed = self.s.close_event(execution).workflow_execution_terminated_event_attributes
        self.assertEqual(("enough", "operator"), (closed.reason, closed.identity))

    def test_the_cluster_tells_the_versions_it_knows(self):
        info = Connection.call(self.connection.workflows.GetClusterInfo, service_workflow_pb2.GetClusterInfoRequest())
        self.assertEqual("1.7.0", info.supported_client_versions.go_sdk)

    def test_health_is_served_in_both_forms(self):
        self.assertTrue(Connection.call(self.connection.meta.Health, service_meta_pb2.HealthRequest()).ok)
        health = health_pb2_grpc.HealthStub(self.connection.channel)
        self.assertEqual(health_pb2.HealthCheckResponse.SERVING, health.Check(health_pb2.HealthCheckRequest(), timeout=5).status)
        service = health_pb2.HealthCheckRequest(service="uber.cadence.api.v1.WorkflowAPI")
        self.assertEqual(health_pb2.HealthCheckResponse.SERVING, health.Check(service, timeout=5).status)
        self.failure(grpc.StatusCode.NOT_FOUND, health.Check, health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=5)

    def test_a_client_without_proto_files_learns_them_by_reflection(self):
        database = ProtoReflectionDescriptorDatabase(self.connection.channel)
        self.assertIn("uber.cadence.api.v1.WorkflowAPI", database.get_services())
        found = database.FindFileContainingSymbol("uber.cadence.api.v1.WorkflowAPI")
        served = {method.name for service in found.service for method in service.method}
        mine = descriptor_pb2.FileDescriptorProto()
        service_workflow_pb2.DESCRIPTOR.CopyToProto(mine)
        self.assertEqual({method.name for service in mine.service for method in service.method}, served)


del WireTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
