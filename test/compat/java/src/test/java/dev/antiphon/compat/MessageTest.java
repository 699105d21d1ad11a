package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.only;
import static dev.antiphon.compat.Scenario.result;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.uber.cadence.CadenceError;
import com.uber.cadence.EventType;
import com.uber.cadence.QueryConsistencyLevel;
import com.uber.cadence.QueryRejectCondition;
import com.uber.cadence.QueryWorkflowRequest;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.WorkflowExecutionCloseStatus;
import com.uber.cadence.WorkflowQuery;
import com.uber.cadence.client.QueryOptions;
import com.uber.cadence.client.WorkflowQueryRejectedException;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.workflow.SignalExternalWorkflowException;
import com.uber.cadence.workflow.Workflow;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Signals and queries. */
@ExtendWith(Scenario.Extension.class)
class MessageTest {
  private static Contracts.Code joinsThreeWords() {
    return (self, input) -> {
      self.state = "waiting";
      Workflow.await(() -> self.told.size() >= 3);
      self.state = String.join(" ", self.told);
      return self.state;
    };
  }

  private static QueryOptions strong() {
    return new QueryOptions.Builder().setQueryConsistencyLevel(QueryConsistencyLevel.STRONG).build();
  }

  @Test
  void signalsArriveInTheirOrder(Scenario s) {
    s.flow(joinsThreeWords()).work();
    WorkflowStub run = s.start("");
    for (String word : List.of("one", "two", "three")) run.signal("tell", word);
    assertEquals("one two three", result(run));
    var events = s.history(run.getExecution());
    assertEquals(
        List.of("\"one\"", "\"two\"", "\"three\""),
        Scenario.ofType(events, EventType.WorkflowExecutionSignaled).stream()
            .map(e -> new String(e.getWorkflowExecutionSignaledEventAttributes().getInput()))
            .toList());
  }

  @Test
  void signalsBeforeTheFirstDecisionAreInItsHistory(Scenario s) {
    s.flow(joinsThreeWords());
    WorkflowStub run = s.start("");
    for (String word : List.of("one", "two", "three")) run.signal("tell", word);
    s.work();
    assertEquals("one two three", result(run));
    s.expectHistory(run, "WorkflowExecutionStarted DecisionTaskScheduled WorkflowExecutionSignaled{3} DecisionTaskStarted DecisionTaskCompleted Complete");
  }

  @Test
  void signalWithStartStartsOnce(Scenario s) {
    s.flow(joinsThreeWords()).work();
    String id = "wf-" + UUID.randomUUID();
    WorkflowExecution first = s.stub(o -> o.setWorkflowId(id)).signalWithStart("tell", new Object[] {"one"}, new Object[] {""});
    for (String word : List.of("two", "three")) {
      WorkflowExecution again = s.stub(o -> o.setWorkflowId(id)).signalWithStart("tell", new Object[] {word}, new Object[] {""});
      assertEquals(first.getRunId(), again.getRunId());
    }
    assertEquals("one two three", result(s.existing(first)));
    assertEquals(EventType.WorkflowExecutionSignaled, s.history(first).get(1).getEventType());
  }

  @Test
  void aQueryIsAnsweredWhileOpenAndAfterTheEnd(Scenario s) {
    s.flow(joinsThreeWords()).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.DecisionTaskCompleted);
    assertEquals("waiting", run.query("state", String.class));
    for (String word : List.of("a", "b", "c")) run.signal("tell", word);
    assertEquals("a b c", result(run));
    assertEquals("a b c", run.query("state", String.class));
  }

  @Test
  void aStronglyConsistentQuerySeesTheSignalBeforeIt(Scenario s) {
    s.flow((self, input) -> {
      while (self.told.size() < 5) {
        int seen = self.told.size();
        self.state = "seen " + seen;
        Workflow.await(() -> self.told.size() > seen);
      }
      return "all";
    }).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.DecisionTaskCompleted);
    for (int i = 1; i < 5; i++) {
      run.signal("tell", "word");
      assertEquals("seen " + i, run.queryWithOptions("state", strong(), String.class, String.class));
    }
    run.signal("tell", "word");
    assertEquals("all", result(run));
  }

  @Test
  void aQueryOfAClosedRunIsRejectedOnDemand(Scenario s) {
    s.flow((self, input) -> "closed").work();
    WorkflowStub run = s.start("");
    assertEquals("closed", result(run));
    WorkflowQueryRejectedException rejected =
        assertThrows(WorkflowQueryRejectedException.class, () -> run.query("state", String.class, QueryRejectCondition.NOT_OPEN));
    assertEquals(WorkflowExecutionCloseStatus.COMPLETED, rejected.getWorkflowExecutionStatus());
    assertEquals("", run.query("state", String.class, QueryRejectCondition.NOT_COMPLETED_CLEANLY));
  }

  @Test
  void anUnknownQueryTypeIsAnErrorOfTheWorker(Scenario s) {
    s.flow((self, input) -> "closed").work();
    WorkflowStub run = s.start("");
    assertEquals("closed", result(run));
    // By the bare call: the client's own query repeats this refusal until its patience ends.
    QueryWorkflowRequest request =
        new QueryWorkflowRequest().setDomain(Server.DOMAIN).setExecution(run.getExecution()).setQuery(new WorkflowQuery().setQueryType("nothing"));
    CadenceError failed = assertThrows(CadenceError.class, () -> Server.SERVICE.QueryWorkflow(request));
    assertTrue(failed.getMessage().startsWith("io.grpc.StatusRuntimeException: INVALID_ARGUMENT: java.lang.IllegalArgumentException: Unknown query type: nothing, knownTypes=[state"), failed.getMessage());
  }

  @Test
  void aWorkflowSignalsAnother(Scenario s) {
    s.flow((self, input) -> {
      if (input.isEmpty()) {
        Workflow.await(() -> !self.told.isEmpty());
        return self.told.get(0);
      }
      Workflow.newUntypedExternalWorkflowStub(input).signal("tell", "from the other");
      return "told";
    }).work();
    WorkflowStub target = s.start("");
    WorkflowStub source = s.start(target.getExecution().getWorkflowId());
    assertEquals("told", result(source));
    assertEquals("from the other", result(target));
    s.expectHistory(source, "Begin SignalExternalWorkflowExecutionInitiated ExternalWorkflowExecutionSignaled Decide Complete");
    var signaled = only(s.history(target.getExecution()), EventType.WorkflowExecutionSignaled).getWorkflowExecutionSignaledEventAttributes();
    assertEquals("tell", signaled.getSignalName());
  }

  @Test
  void aSignalToAnUnknownWorkflowFails(Scenario s) {
    s.flow((self, input) -> {
      try {
        Workflow.newUntypedExternalWorkflowStub(input).signal("tell", "anyone?");
        return "told";
      } catch (SignalExternalWorkflowException e) {
        return e.getFailureCause().name();
      }
    }).work();
    WorkflowStub run = s.start("wf-" + UUID.randomUUID());
    assertEquals("UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION", result(run));
    s.expectHistory(run, "Begin SignalExternalWorkflowExecutionInitiated SignalExternalWorkflowExecutionFailed Decide Complete");
  }

  @Test
  void aWorkflowCancelsAnother(Scenario s) {
    s.flow((self, input) -> {
      if (input.isEmpty()) {
        Workflow.await(() -> !self.told.isEmpty());
        return "never";
      }
      // The client does not wait for the outcome, and a run that ends in the same decision cancels nobody.
      Workflow.newUntypedExternalWorkflowStub(input).cancel();
      Workflow.await(() -> !self.told.isEmpty());
      return "canceled it";
    }).work();
    WorkflowStub target = s.start("");
    s.untilEvent(target, EventType.DecisionTaskCompleted);
    WorkflowStub source = s.start(target.getExecution().getWorkflowId());
    s.untilEvent(source, EventType.ExternalWorkflowExecutionCancelRequested);
    source.signal("tell", "end");
    assertEquals("canceled it", result(source));
    s.expectHistory(
        source,
        "Begin RequestCancelExternalWorkflowExecutionInitiated ExternalWorkflowExecutionCancelRequested (Decide WorkflowExecutionSignaled | WorkflowExecutionSignaled | DecisionTaskScheduled WorkflowExecutionSignaled DecisionTaskStarted DecisionTaskCompleted)? Decide? Complete");
    assertThrows(java.util.concurrent.CancellationException.class, () -> result(target));
    s.expectHistory(target, "Begin WorkflowExecutionCancelRequested Decide WorkflowExecutionCanceled");
  }
}
