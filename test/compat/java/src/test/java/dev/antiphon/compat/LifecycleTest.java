package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.only;
import static dev.antiphon.compat.Scenario.result;
import static dev.antiphon.compat.Scenario.steps;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.uber.cadence.ContinueAsNewInitiator;
import com.uber.cadence.EventType;
import com.uber.cadence.HistoryEvent;
import com.uber.cadence.StartWorkflowExecutionRequest;
import com.uber.cadence.TaskList;
import com.uber.cadence.TerminateWorkflowExecutionRequest;
import com.uber.cadence.TimeoutType;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.WorkflowExecutionStartedEventAttributes;
import com.uber.cadence.WorkflowIdReusePolicy;
import com.uber.cadence.WorkflowType;
import com.uber.cadence.client.DuplicateWorkflowException;
import com.uber.cadence.client.WorkflowClient;
import com.uber.cadence.client.WorkflowFailureException;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.client.WorkflowTerminatedException;
import com.uber.cadence.client.WorkflowTimedOutException;
import com.uber.cadence.common.RetryOptions;
import com.uber.cadence.workflow.Workflow;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How runs begin, end and follow each other. */
@ExtendWith(Scenario.Extension.class)
class LifecycleTest {
  @Test
  void aWorkflowReturnsItsResult(Scenario s) {
    s.flow((self, input) -> "hello " + input).work();
    WorkflowStub run = s.start("java");
    assertEquals("hello java", result(run));
    s.expectHistory(run, "Begin Complete");
  }

  @Test
  void aTypedStubStartsAndWaits(Scenario s) throws Exception {
    s.flow((self, input) -> input + "!").work();
    Contracts.Flow flow = s.client.newWorkflowStub(Contracts.Flow.class, s.options(o -> {}));
    assertEquals("typed!", WorkflowClient.execute(flow::run, "typed").get());
    s.expectHistory(WorkflowStub.fromTyped(flow), "Begin Complete");
  }

  @Test
  void anExceptionReachesTheCallerAsItsCause(Scenario s) {
    s.flow((self, input) -> {
      throw new IllegalStateException("broken " + input);
    }).work();
    WorkflowStub run = s.start("part");
    WorkflowFailureException failure = assertThrows(WorkflowFailureException.class, () -> result(run));
    assertEquals("broken part", assertInstanceOf(IllegalStateException.class, failure.getCause()).getMessage());
    HistoryEvent closed = only(s.expectHistory(run, "Begin WorkflowExecutionFailed"), EventType.WorkflowExecutionFailed);
    assertEquals("java.lang.IllegalStateException", closed.getWorkflowExecutionFailedEventAttributes().getReason());
  }

  @Test
  void aWorkflowTimesOut(Scenario s) {
    s.flow((self, input) -> {
      Workflow.sleep(Duration.ofSeconds(30));
      return "late";
    }).work();
    WorkflowStub run = s.start("", o -> o.setExecutionStartToCloseTimeout(Duration.ofSeconds(1)));
    WorkflowTimedOutException timeout = assertThrows(WorkflowTimedOutException.class, () -> result(run));
    assertEquals(TimeoutType.START_TO_CLOSE, timeout.getTimeoutType());
    s.expectHistory(run, "Begin TimerStarted WorkflowExecutionTimedOut");
  }

  @Test
  void aCanceledWorkflowCleansUpInADetachedScope(Scenario s) {
    s.activities((Contracts.Step) step -> "cleaned " + step);
    s.flow((self, input) -> {
      try {
        Workflow.sleep(Duration.ofSeconds(30));
        return "slept";
      } catch (CancellationException e) {
        Workflow.newDetachedCancellationScope(() -> steps().step("up")).run();
        throw e;
      }
    }).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.TimerStarted);
    run.cancel();
    assertThrows(CancellationException.class, () -> result(run));
    s.expectHistory(run, "Begin TimerStarted WorkflowExecutionCancelRequested Decide ActivityOK Decide WorkflowExecutionCanceled");
  }

  @Test
  void aTerminatedWorkflowTellsItsCallerWhy(Scenario s) {
    s.flow((self, input) -> {
      Workflow.sleep(Duration.ofSeconds(30));
      return "slept";
    }).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.TimerStarted);
    Server.SERVICE.TerminateWorkflowExecution(
        new TerminateWorkflowExecutionRequest()
            .setDomain(Server.DOMAIN)
            .setWorkflowExecution(run.getExecution())
            .setReason("enough")
            .setIdentity("operator")
            .setDetails("\"more\"".getBytes()));
    WorkflowTerminatedException terminated = assertThrows(WorkflowTerminatedException.class, () -> result(run));
    assertTrue(terminated.getMessage().contains("\"enough\""), terminated.getMessage());
    assertEquals("operator", terminated.getIdentity());
    assertEquals("\"more\"", new String(terminated.getDetails()));
    s.expectHistory(run, "Begin TimerStarted WorkflowExecutionTerminated");
  }

  @Test
  void continueAsNewIsFollowedToTheResultOfTheChain(Scenario s) {
    s.flow((self, input) -> {
      int left = Integer.parseInt(input);
      if (left > 0) Workflow.continueAsNew(String.valueOf(left - 1));
      return "done at " + left;
    }).work();
    WorkflowStub run = s.start("3");
    assertEquals("done at 0", result(run));
    HistoryEvent next = only(s.expectHistory(run, "Begin WorkflowExecutionContinuedAsNew"), EventType.WorkflowExecutionContinuedAsNew);
    WorkflowExecution second =
        new WorkflowExecution()
            .setWorkflowId(run.getExecution().getWorkflowId())
            .setRunId(next.getWorkflowExecutionContinuedAsNewEventAttributes().getNewExecutionRunId());
    WorkflowExecutionStartedEventAttributes started =
        s.expectHistory(second, "Begin WorkflowExecutionContinuedAsNew").get(0).getWorkflowExecutionStartedEventAttributes();
    assertEquals(run.getExecution().getRunId(), started.getContinuedExecutionRunId());
    assertEquals(run.getExecution().getRunId(), started.getFirstExecutionRunId());
    assertEquals("\"2\"", new String(started.getInput()));
  }

  @Test
  void cronRunsSeeTheLastResult(Scenario s) {
    s.flow((self, input) -> {
      String last = Workflow.getLastCompletionResult(String.class);
      return last == null ? "1" : String.valueOf(Integer.parseInt(last) + 1);
    }).work();
    // By the bare call: the client's own options know no schedule shorter than a minute.
    String id = "wf-" + UUID.randomUUID();
    String firstRun =
        Server.SERVICE
            .StartWorkflowExecution(
                new StartWorkflowExecutionRequest()
                    .setDomain(Server.DOMAIN)
                    .setWorkflowId(id)
                    .setRequestId(UUID.randomUUID().toString())
                    .setWorkflowType(new WorkflowType().setName("Flow"))
                    .setTaskList(new TaskList().setName(s.taskList))
                    .setInput("\"\"".getBytes())
                    .setExecutionStartToCloseTimeoutSeconds(60)
                    .setTaskStartToCloseTimeoutSeconds(10)
                    .setCronSchedule("@every 1s"))
            .getRunId();
    WorkflowExecution[] current = {new WorkflowExecution().setWorkflowId(id).setRunId(firstRun)};
    for (int i = 0; i < 2; i++) {
      Scenario.until("the run continued", () -> s.history(current[0]).size() >= 5);
      HistoryEvent closed = s.expectHistory(current[0], "Begin WorkflowExecutionContinuedAsNew").get(4);
      var next = closed.getWorkflowExecutionContinuedAsNewEventAttributes();
      assertEquals(ContinueAsNewInitiator.CronSchedule, next.getInitiator());
      assertEquals("\"" + (i + 1) + "\"", new String(next.getLastCompletionResult()));
      current[0] = new WorkflowExecution().setWorkflowId(id).setRunId(next.getNewExecutionRunId());
    }
    assertEquals("@every 1s", s.history(current[0]).get(0).getWorkflowExecutionStartedEventAttributes().getCronSchedule());
    Server.SERVICE.TerminateWorkflowExecution(
        new TerminateWorkflowExecutionRequest()
            .setDomain(Server.DOMAIN)
            .setWorkflowExecution(new WorkflowExecution().setWorkflowId(id))
            .setReason("end of the schedule"));
  }

  @Test
  void aWorkflowIsRetriedUntilItSucceeds(Scenario s) {
    s.flow((self, input) -> {
      int attempt = Workflow.getWorkflowInfo().getWorkflowExecutionStartedEventAttributes().getAttempt();
      if (attempt < 2) throw new IllegalStateException("attempt " + attempt);
      return "attempt " + attempt;
    }).work();
    RetryOptions retries =
        new RetryOptions.Builder().setInitialInterval(Duration.ofSeconds(1)).setBackoffCoefficient(1).setMaximumAttempts(5).build();
    WorkflowStub run = s.start("", o -> o.setRetryOptions(retries));
    assertEquals("attempt 2", result(run));
    var next = s.expectHistory(run, "Begin WorkflowExecutionContinuedAsNew").get(4).getWorkflowExecutionContinuedAsNewEventAttributes();
    assertEquals(ContinueAsNewInitiator.RetryPolicy, next.getInitiator());
    assertEquals("java.lang.IllegalStateException", next.getFailureReason());
    assertEquals(1, next.getBackoffStartIntervalInSeconds());
  }

  @Test
  void aDelayedStartDecidesAfterItsDelay(Scenario s) {
    s.flow((self, input) -> "started").work();
    WorkflowStub run = s.start("", o -> o.setDelayStart(Duration.ofSeconds(1)));
    assertEquals("started", result(run));
    var events = s.expectHistory(run, "Begin Complete");
    assertEquals(1, events.get(0).getWorkflowExecutionStartedEventAttributes().getFirstDecisionTaskBackoffSeconds());
    assertTrue(events.get(1).getTimestamp() - events.get(0).getTimestamp() >= 1_000_000_000L, "the decision waited for the delay");
  }

  @Test
  void aRunningWorkflowIdIsRefusedWithItsRun(Scenario s) {
    s.flow((self, input) -> {
      Workflow.await(() -> !self.told.isEmpty());
      return self.told.get(0);
    }).work();
    WorkflowStub run = s.start("");
    WorkflowStub again = s.stub(o -> o.setWorkflowId(run.getExecution().getWorkflowId()));
    DuplicateWorkflowException duplicate = assertThrows(DuplicateWorkflowException.class, () -> again.start(""));
    assertEquals(run.getExecution().getRunId(), duplicate.getExecution().getRunId());
    run.signal("tell", "end");
    assertEquals("end", result(run));
  }

  @Test
  void theReusePolicyDecidesWhetherAClosedIdStartsAgain(Scenario s) {
    s.flow((self, input) -> input).work();
    WorkflowStub run = s.start("one");
    assertEquals("one", result(run));
    String id = run.getExecution().getWorkflowId();
    for (WorkflowIdReusePolicy refused : new WorkflowIdReusePolicy[] {WorkflowIdReusePolicy.RejectDuplicate, WorkflowIdReusePolicy.AllowDuplicateFailedOnly}) {
      WorkflowStub stub = s.stub(o -> o.setWorkflowId(id).setWorkflowIdReusePolicy(refused));
      assertThrows(DuplicateWorkflowException.class, () -> stub.start("two"), refused.name());
    }
    WorkflowStub next = s.start("three", o -> o.setWorkflowId(id).setWorkflowIdReusePolicy(WorkflowIdReusePolicy.AllowDuplicate));
    assertEquals("three", result(next));
    assertNotEquals(run.getExecution().getRunId(), next.getExecution().getRunId());
  }

  @Test
  void terminateIfRunningReplacesTheRun(Scenario s) {
    s.flow((self, input) -> {
      if (input.equals("waits")) Workflow.await(() -> !self.told.isEmpty());
      return input;
    }).work();
    WorkflowStub run = s.start("waits");
    s.untilEvent(run, EventType.DecisionTaskCompleted);
    WorkflowStub next =
        s.start("quick", o -> o.setWorkflowId(run.getExecution().getWorkflowId()).setWorkflowIdReusePolicy(WorkflowIdReusePolicy.TerminateIfRunning));
    assertEquals("quick", result(next));
    assertThrows(WorkflowTerminatedException.class, () -> result(s.existing(run.getExecution())));
    s.expectHistory(run, "Begin WorkflowExecutionTerminated");
    assertEquals(Optional.of("Flow"), next.getWorkflowType());
  }
}
